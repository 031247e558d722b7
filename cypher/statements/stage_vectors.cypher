// Put new vectors beside the old ones, where no index sees them.
UNWIND $rows AS row
MATCH (s:State {cube_id: $cube, id: row.id, version: row.version})
SET s.staged_by = $embedder
WITH s, row.embedding AS embedding
CALL db.create.setNodeVectorProperty(s, 'staged', embedding)
