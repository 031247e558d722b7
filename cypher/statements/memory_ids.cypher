// The next ids of a cube's memories, whatever their state.
MATCH (m:Memory)
WHERE m.cube_id = $cube AND m.id > $after
RETURN m.id AS id
ORDER BY m.id
LIMIT $limit
