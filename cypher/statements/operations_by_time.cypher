// The audit trail, newest first; the parts of batches only where they are asked for.
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.recorded_at >= $since AND o.recorded_at < $until AND ($parts OR o.part_of IS NULL)
RETURN {{operation ROW=o}} AS operation
ORDER BY o.recorded_at DESC
LIMIT $limit
