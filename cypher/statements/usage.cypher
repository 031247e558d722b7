// How often and when memories were recalled.
UNWIND $given.ids AS id
MATCH (m:Memory {cube_id: $given.cube, id: id})
WHERE m.recalled IS NOT NULL
RETURN m.id AS id, m.recalled AS count, {{micros TIME=m.recalled_at}} AS last
