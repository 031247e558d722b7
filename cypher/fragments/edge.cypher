// An edge r as a map: every property, times in microseconds.
r{.*, {{times ROW=r}}}
