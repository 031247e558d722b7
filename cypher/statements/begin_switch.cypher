// Give the cube its new model, under its lock, if every state has its new vector or has had it before.
MATCH (c:Cube {id: $given.cube})
SET c.lock = true
WITH c
CALL (c) {
  MATCH (m:Memory) WHERE m.cube_id = $given.cube AND m.id > ''
  MATCH (m)<-[:STATE_OF]-(s:State) WHERE s.staged_by IS NULL OR s.staged_by <> $given.embedder
  RETURN count(s) AS missing
}
WITH c, missing, missing = 0 OR c.embedder = $given.embedder AS ready
SET c.embedder = CASE WHEN ready THEN $given.embedder ELSE c.embedder END,
    c.dimension = CASE WHEN ready THEN $given.dimension ELSE c.dimension END
RETURN ready
