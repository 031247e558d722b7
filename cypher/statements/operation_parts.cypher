// The parts of a batch.
MATCH (o:Operation)
WHERE o.cube_id = $given.cube AND o.part_of = $given.part_of
RETURN {{operation ROW=o}} AS operation
ORDER BY o.recorded_at DESC
LIMIT $given.limit
