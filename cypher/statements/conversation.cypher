// The messages of a log with a number between two, in the order of those.
MATCH (s:State)
WHERE {{of_log}} AND s.sequence < $given.below AND {{holds_last}}
  AND ($given.statuses IS NULL OR s.status IN $given.statuses){{FILTER}}
WITH s ORDER BY s.sequence {{ORDER}}, s.valid_from {{ORDER}}, s.id {{ORDER}} LIMIT $given.limit
RETURN {{state VECTORS=false}} AS state
