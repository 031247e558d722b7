// How many tasks of a cube wait, counted up to a limit. Whoever adds some holds the cube's lock.
MATCH (t:Task)
WHERE t.cube_id = $given.cube AND t.state = 'waiting' AND t.due >= $given.since
WITH t LIMIT $given.limit
RETURN count(t) AS waiting
