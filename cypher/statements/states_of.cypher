// Every state of these memories; with $known_at only those known then.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})<-[:STATE_OF]-(s:State)
WHERE $known_at IS NULL OR (s.recorded_from <= $known_at AND s.recorded_to > $known_at)
RETURN s{.*,
         valid_from: s.valid_from.epochSeconds * 1000000 + s.valid_from.microsecond,
         valid_to: s.valid_to.epochSeconds * 1000000 + s.valid_to.microsecond,
         recorded_from: s.recorded_from.epochSeconds * 1000000 + s.recorded_from.microsecond,
         recorded_to: s.recorded_to.epochSeconds * 1000000 + s.recorded_to.microsecond,
         created_at: s.created_at.epochSeconds * 1000000 + s.created_at.microsecond,
         memory_time: s.memory_time.epochSeconds * 1000000 + s.memory_time.microsecond} AS state
ORDER BY s.id, s.version
