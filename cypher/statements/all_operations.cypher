// The next operations of a cube, parts of batches included.
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.id > $after
RETURN o{.*, recorded_at: o.recorded_at.epochSeconds * 1000000 + o.recorded_at.microsecond} AS operation
ORDER BY o.id
LIMIT $limit
