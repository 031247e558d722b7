// Operations by id.
UNWIND $given.ids AS id
MATCH (o:Operation {cube_id: $given.cube, id: id})
RETURN {{operation ROW=o}} AS operation
ORDER BY o.recorded_at DESC
LIMIT $given.limit
