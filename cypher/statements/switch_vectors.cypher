// Put the staged vectors of the next memories in the place of the old ones.
MATCH (m:Memory)
WHERE m.cube_id = $cube AND m.id > $after
WITH m ORDER BY m.id LIMIT $limit
CALL (m) {
  MATCH (m)<-[:STATE_OF]-(s:State) WHERE s.staged_by = $embedder
  WITH s, s.staged AS staged
  CALL db.create.setNodeVectorProperty(s, 'embedding', staged)
  SET s.staged = null, s.staged_by = null
}
RETURN max(m.id) AS last
