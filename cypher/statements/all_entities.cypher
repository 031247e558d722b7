// The next entities of a cube.
MATCH (n:Entity)
WHERE n.cube_id = $cube AND n.id > $after
RETURN n{.id, .name, .kind} AS node
ORDER BY n.id
LIMIT $limit
