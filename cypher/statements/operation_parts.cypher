// The parts of a batch.
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.part_of = $part_of
RETURN o{.*, recorded_at: o.recorded_at.epochSeconds * 1000000 + o.recorded_at.microsecond} AS operation
ORDER BY o.recorded_at DESC
LIMIT $limit
