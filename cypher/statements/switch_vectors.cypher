// Put the staged vectors of the next memories in the place of the old ones.
MATCH (m:Memory)
WHERE m.cube_id = $given.cube AND m.id > $given.after
WITH m ORDER BY m.id LIMIT $given.limit
CALL (m) {
  MATCH (m)<-[:STATE_OF]-(s:State) WHERE s.staged_by = $given.embedder
  CALL (s) {
    MATCH (s)<-[:PASSAGE_OF]-(p:Passage)
    SET p.embedding = null
    WITH p, p.staged AS staged WHERE staged IS NOT NULL
    CALL db.create.setNodeVectorProperty(p, 'embedding', staged)
    SET p.staged = null
  }
  WITH s, s.staged AS staged
  CALL db.create.setNodeVectorProperty(s, 'embedding', staged)
  SET s.staged = null, s.staged_by = null
}
RETURN max(m.id) AS last
