// The tasks of a state and of one owner, the one that was made last first.
MATCH (t:Task)
WHERE t.cube_id = $given.cube AND t.owner = $given.owner AND t.state = $given.state AND t.created >= $given.since
WITH t ORDER BY t.created DESC LIMIT $given.limit
RETURN {{task ROW=t}} AS task
