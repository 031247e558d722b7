// The next ids of a cube's memories, whatever their state.
MATCH (m:Memory)
WHERE m.cube_id = $given.cube AND m.id > $given.after
RETURN m.id AS id
ORDER BY m.id
LIMIT $given.limit
