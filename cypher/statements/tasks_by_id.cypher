// The tasks of a cube with these ids.
UNWIND $given.ids AS id
MATCH (t:Task {cube_id: $given.cube, id: id})
RETURN {{task ROW=t}} AS task
