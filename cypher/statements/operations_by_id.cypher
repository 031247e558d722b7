// Operations by id.
UNWIND $ids AS id
MATCH (o:Operation {cube_id: $cube, id: id})
RETURN {{operation ROW=o}} AS operation
ORDER BY o.recorded_at DESC
LIMIT $limit
