// Give the cube its new model, under its lock, if every state has its new vector or has had it before.
MATCH (c:Cube {id: $cube})
SET c.lock = true
WITH c
CALL (c) {
  MATCH (m:Memory) WHERE m.cube_id = $cube AND m.id > ''
  MATCH (m)<-[:STATE_OF]-(s:State) WHERE s.staged_by IS NULL OR s.staged_by <> $embedder
  RETURN count(s) AS missing
}
WITH c, missing, missing = 0 OR c.embedder = $embedder AS ready
SET c.embedder = CASE WHEN ready THEN $embedder ELSE c.embedder END,
    c.dimension = CASE WHEN ready THEN $dimension ELSE c.dimension END
RETURN ready
