// The audit trail, newest first, without the parts of batches.
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.recorded_at >= $since AND o.recorded_at < $until AND o.part_of IS NULL
RETURN properties(o) AS operation
ORDER BY o.recorded_at DESC
LIMIT $limit
