// Take the tasks of a state out of the queue that ended before a time, some of them.
MATCH (t:Task)
WHERE t.cube_id = $given.cube AND t.state = $given.state AND t.due < $given.before
WITH t LIMIT $given.limit
DETACH DELETE t
RETURN count(*) AS gone
