// The next memories of a cube with the states that have no staged vector of this model yet.
MATCH (m:Memory)
WHERE m.cube_id = $given.cube AND m.id > $given.after
WITH m ORDER BY m.id LIMIT $given.limit
RETURN m.id AS id, COLLECT {
  MATCH (m)<-[:STATE_OF]-(s:State) WHERE s.staged_by IS NULL OR s.staged_by <> $given.embedder
  RETURN [s.version, s.key, s.memory, COUNT { (s)<-[:PASSAGE_OF]-() }] ORDER BY s.version
} AS states
