// The tasks of a state, the one that was made last first.
MATCH (t:Task)
WHERE t.cube_id = $given.cube AND t.state = $given.state AND t.created >= $given.since
WITH t ORDER BY t.created DESC LIMIT $given.limit
RETURN {{task ROW=t}} AS task
