// The states that an operation opened.
MATCH (s:State)
WHERE s.cube_id = $given.cube AND s.opened_by = $given.operation
RETURN {{state VECTORS=true}} AS state
ORDER BY s.id, s.version
