// How many memories hold now and are live, by memory type.
MATCH (s:State)
WHERE s.cube_id = $cube AND s.recorded_to = $end AND s.valid_to > $now
  AND s.valid_from <= $now AND s.status IN $statuses
RETURN s.memory_type AS type, count(DISTINCT s.id) AS memories
