// Every state of these memories; with $known_at only those known then.
UNWIND $given.ids AS id
MATCH (m:Memory {cube_id: $given.cube, id: id})<-[:STATE_OF]-(s:State)
WHERE $given.known_at IS NULL OR (s.recorded_from <= $given.known_at AND s.recorded_to > $given.known_at)
RETURN {{state VECTORS=true}} AS state
ORDER BY s.id, s.version
