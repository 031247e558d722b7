// The next sources of a cube.
MATCH (n:Source)
WHERE n.cube_id = $cube AND n.id > $after
RETURN n{.*, chat_time: {{micros TIME=n.chat_time}}} AS node
ORDER BY n.id
LIMIT $limit
