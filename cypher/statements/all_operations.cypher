// The next operations of a cube, parts of batches included.
MATCH (o:Operation)
WHERE o.cube_id = $given.cube AND o.id > $given.after
RETURN {{operation ROW=o}} AS operation
ORDER BY o.id
LIMIT $given.limit
