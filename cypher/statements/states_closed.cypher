// The states that an operation closed.
MATCH (s:State)
WHERE s.cube_id = $given.cube AND s.closed_by = $given.operation
RETURN {{state VECTORS=true}} AS state
ORDER BY s.id, s.version
