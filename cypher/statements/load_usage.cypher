// How often and when memories of an archive were recalled; what was counted here stays.
UNWIND $given.rows AS row
MATCH (m:Memory {cube_id: $given.cube, id: row.id})
WHERE m.recalled IS NULL
SET m.recalled = row.recalls, m.recalled_at = {{time PAIR=row.last}}
