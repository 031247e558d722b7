// Open states under their identities, whose cache shows the state written last.
UNWIND $rows AS row
MERGE (m:Memory {cube_id: $cube, id: row.id})
SET m += row.cache
CREATE (s:State {cube_id: $cube, id: row.id, version: row.version})-[:STATE_OF]->(m)
SET s += row.properties
WITH s, row.embedding AS embedding
CALL db.create.setNodeVectorProperty(s, 'embedding', embedding)
