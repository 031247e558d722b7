// The tasks of a state whose time, FIELD, lies so, those that are due for longest first.
MATCH (t:Task)
WHERE t.cube_id = $given.cube AND t.state = '{{STATE}}' AND t.{{FIELD}} {{SO}} AND t.kind IN $given.kinds
WITH t ORDER BY t.{{FIELD}} LIMIT $given.limit
RETURN {{task ROW=t}} AS task
