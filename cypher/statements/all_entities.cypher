// The next entities of a cube.
MATCH (n:Entity)
WHERE n.cube_id = $given.cube AND n.id > $given.after
RETURN n{.id, .name, .kind} AS node
ORDER BY n.id
LIMIT $given.limit
