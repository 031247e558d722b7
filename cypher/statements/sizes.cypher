// How many memories hold now and are live, by memory type.
MATCH (s:State)
WHERE s.cube_id = $given.cube AND s.recorded_to = $given.end AND s.valid_to > $given.now
  AND s.valid_from <= $given.now AND s.status IN $given.statuses
RETURN s.memory_type AS type, count(DISTINCT s.id) AS memories
