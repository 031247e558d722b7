// Every state of these memories; with $known_at only those known then. A change that is
// not shown yet may have closed one.
MATCH (c:Cube {id: $given.cube})
WITH {{shown}} AS shown
UNWIND $given.ids AS id
MATCH (m:Memory {cube_id: $given.cube, id: id})<-[:STATE_OF]-(s:State)
WHERE $given.known_at IS NULL
   OR (s.recorded_from <= $given.known_at AND (s.recorded_to > $given.known_at OR s.recorded_to > shown))
RETURN {{state VECTORS=true}} AS state, {{micros TIME=shown}} AS shown
ORDER BY s.id, s.version
