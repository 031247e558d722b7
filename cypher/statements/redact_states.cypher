// Give states other content in place, and their memories its caption.
UNWIND $rows AS row
MATCH (m:Memory {cube_id: $cube, id: row.id})<-[:STATE_OF]-(s:State {version: row.version})
SET s += row.properties, s.background = row.properties.background, m.caption = row.caption
WITH s, row
CALL db.create.setNodeVectorProperty(s, 'embedding', row.embedding)
