// The next sources of a cube.
MATCH (n:Source)
WHERE n.cube_id = $given.cube AND n.id > $given.after
RETURN n{.*, chat_time: {{micros TIME=n.chat_time}}} AS node
ORDER BY n.id
LIMIT $given.limit
