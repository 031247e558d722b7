// The next sources of a cube.
MATCH (n:Source)
WHERE n.cube_id = $cube AND n.id > $after
RETURN n{.*, chat_time: n.chat_time.epochSeconds * 1000000 + n.chat_time.microsecond} AS node
ORDER BY n.id
LIMIT $limit
