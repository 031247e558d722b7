// Memories that hold at a moment, in order of id.
MATCH (c:Cube {id: $cube})
WITH c.clock AS clock, coalesce($known_at, c.clock) AS k
WITH clock, k, CASE WHEN $valid_at IS NOT NULL THEN $valid_at WHEN $now > clock THEN $now ELSE clock END AS t
CALL (t, k) {
  MATCH (m:Memory)
  WHERE m.cube_id = $cube AND m.id > $after
  WITH m, t, k ORDER BY m.id
  MATCH (m)<-[:STATE_OF]-(s:State)
  WHERE s.valid_from <= t AND s.valid_to > t AND s.recorded_from <= k AND s.recorded_to > k
    AND ($statuses IS NULL OR s.status IN $statuses) AND ($types IS NULL OR s.memory_type IN $types)
  WITH s ORDER BY s.id LIMIT $limit
  RETURN collect(s{.*, embedding: CASE WHEN $vectors THEN s.embedding END}) AS states
}
RETURN clock, t, k, states
