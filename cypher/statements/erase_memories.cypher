// Erase the next memories of a cube with their states and edges.
MATCH (m:Memory)
WHERE m.cube_id = $cube AND m.id > ''
WITH m LIMIT $limit
CALL (m) { MATCH (m)<-[:STATE_OF]-(s:State) DETACH DELETE s }
DETACH DELETE m
RETURN count(*) AS erased
