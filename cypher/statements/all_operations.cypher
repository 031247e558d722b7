// The next operations of a cube, parts of batches included.
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.id > $after
RETURN {{operation ROW=o}} AS operation
ORDER BY o.id
LIMIT $limit
