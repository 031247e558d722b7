// Put new vectors of passages beside the old ones, where no index sees them: those of a state's last passages, the
// last of them 0 behind.
UNWIND $given.rows AS row
MATCH (s:State {cube_id: $given.cube, id: row.id, version: row.version})
MATCH (s)<-[:PASSAGE_OF]-(p:Passage)
WHERE p.number = COUNT { (s)<-[:PASSAGE_OF]-() } - row.behind
WITH p, row.embedding AS embedding
CALL db.create.setNodeVectorProperty(p, 'staged', embedding)
