// How often and when memories were recalled.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
WHERE m.recalled IS NOT NULL
RETURN m.id AS id, m.recalled AS count, m.recalled_at.epochSeconds * 1000000 + m.recalled_at.microsecond AS last
