// The states of these memories that hold at a moment.
MATCH (c:Cube {id: $cube})
WITH c.clock AS clock, coalesce($known_at, c.clock) AS k
WITH clock, k, CASE WHEN $valid_at IS NOT NULL THEN $valid_at WHEN $now > clock THEN $now ELSE clock END AS t
CALL (t, k) {
  UNWIND $ids AS id
  MATCH (m:Memory {cube_id: $cube, id: id})<-[:STATE_OF]-(s:State)
  WHERE s.valid_from <= t AND s.valid_to > t AND s.recorded_from <= k AND s.recorded_to > k
    AND ($statuses IS NULL OR s.status IN $statuses)
  RETURN collect(s{.*, embedding: CASE WHEN $vectors THEN s.embedding END}) AS states
}
RETURN clock, states
