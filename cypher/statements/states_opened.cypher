// The states that an operation opened.
MATCH (s:State)
WHERE s.cube_id = $cube AND s.opened_by = $operation
RETURN s{.*,
         valid_from: s.valid_from.epochSeconds * 1000000 + s.valid_from.microsecond,
         valid_to: s.valid_to.epochSeconds * 1000000 + s.valid_to.microsecond,
         recorded_from: s.recorded_from.epochSeconds * 1000000 + s.recorded_from.microsecond,
         recorded_to: s.recorded_to.epochSeconds * 1000000 + s.recorded_to.microsecond,
         created_at: s.created_at.epochSeconds * 1000000 + s.created_at.microsecond,
         memory_time: s.memory_time.epochSeconds * 1000000 + s.memory_time.microsecond} AS state
ORDER BY s.id, s.version
