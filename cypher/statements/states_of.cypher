// Every state of these memories; with $known_at only those known then.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})<-[:STATE_OF]-(s:State)
WHERE $known_at IS NULL OR (s.recorded_from <= $known_at AND s.recorded_to > $known_at)
RETURN {{state EMBEDDING=s.embedding}} AS state
ORDER BY s.id, s.version
