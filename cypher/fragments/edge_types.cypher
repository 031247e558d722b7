// Every type of edge of a memory, users' own among them: what does not join it to its states.
!STATE_OF
