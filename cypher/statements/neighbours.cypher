// The nearest memories to each vector.
CYPHER 25
MATCH (c:Cube {id: $cube})
WITH c.clock AS clock, coalesce($known_at, c.clock) AS k
WITH clock, k, CASE WHEN $valid_at IS NOT NULL THEN $valid_at WHEN $now > clock OR clock > $latest THEN $now ELSE clock END AS t
CALL (t, k) {
  MATCH (s:State) SEARCH s IN (VECTOR INDEX treemem_state_embedding FOR $vector
    WHERE s.cube_id = $cube AND s.status IN $statuses AND s.valid_from <= t AND s.valid_to > t
      AND s.recorded_from <= k AND s.recorded_to > k
    LIMIT $limit) SCORE AS score
  RETURN collect([s.id, score]) AS found
}
RETURN clock.epochSeconds * 1000000 + clock.microsecond AS clock, found
