// The audit trail, newest first; the parts of batches only where they are asked for.
MATCH (o:Operation)
WHERE o.cube_id = $given.cube AND o.recorded_at >= $given.since AND o.recorded_at < $given.until AND ($given.parts OR o.part_of IS NULL)
RETURN {{operation ROW=o}} AS operation
ORDER BY o.recorded_at DESC
LIMIT $given.limit
