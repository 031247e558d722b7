// The last number of a log.
MATCH (s:State)
WHERE {{of_log}} AND {{holds_last}}
RETURN s.sequence AS number ORDER BY s.sequence DESC LIMIT 1
