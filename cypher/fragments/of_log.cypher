// Whether a state s is known now and belongs to a log: to a conversation, with a number above the one given, and to its
// user or session where it has one.
s.cube_id = $given.cube AND s.conversation_id = $given.conversation AND s.sequence > $given.above
AND s.recorded_to = $given.end
AND ($given.user IS NULL OR s.user_id = $given.user) AND ($given.session IS NULL OR s.session_id = $given.session)
