// The parts of a batch.
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.part_of = $part_of
RETURN {{operation ROW=o}} AS operation
ORDER BY o.recorded_at DESC
LIMIT $limit
