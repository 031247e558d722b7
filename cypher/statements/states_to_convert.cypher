// The next memories of a cube with what their states say, vectors, words and times left out.
MATCH (m:Memory)
WHERE m.cube_id = $given.cube AND m.id > $given.after
WITH m ORDER BY m.id LIMIT $given.limit
RETURN m.id AS id, COLLECT {
  MATCH (m)<-[:STATE_OF]-(s:State)
  RETURN s{.*, embedding: null, staged: null, tokens: null, scope: null, valid_from: null, valid_to: null,
           recorded_from: null, recorded_to: null, created_at: null, memory_time: null}
} AS states
ORDER BY id
