// Take a task's lock for this transaction, and read it as it is then.
MATCH (t:Task {cube_id: $given.cube, id: $given.id})
SET t.lock = true
WITH t
RETURN {{task ROW=t}} AS task
