// Put new vectors beside the old ones, where no index sees them.
UNWIND $given.rows AS row
MATCH (s:State {cube_id: $given.cube, id: row.id, version: row.version})
SET s.staged_by = $given.embedder
WITH s, row
CALL (s) { MATCH (s)<-[:PASSAGE_OF]-(p:Passage) SET p.staged = null }
WITH s, row.embedding AS embedding
CALL db.create.setNodeVectorProperty(s, 'staged', embedding)
