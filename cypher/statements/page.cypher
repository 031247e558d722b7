// Memories that hold at a moment, in order of id.
MATCH (c:Cube {id: $cube})
WITH c.clock AS clock, coalesce($known_at, c.clock) AS k
WITH clock, k, CASE WHEN $valid_at IS NOT NULL THEN $valid_at WHEN $now > clock OR clock > $latest THEN $now ELSE clock END AS t
CALL (t, k) {
  MATCH (m:Memory)
  WHERE m.cube_id = $cube AND m.id > $after
  WITH m, t, k ORDER BY m.id
  MATCH (m)<-[:STATE_OF]-(s:State)
  WHERE s.valid_from <= t AND s.valid_to > t AND s.recorded_from <= k AND s.recorded_to > k
    AND ($statuses IS NULL OR s.status IN $statuses)/* filter */
  WITH s ORDER BY s.id LIMIT $limit
  RETURN collect(s{.*, embedding: CASE WHEN $vectors THEN s.embedding END,
           valid_from: s.valid_from.epochSeconds * 1000000 + s.valid_from.microsecond,
           valid_to: s.valid_to.epochSeconds * 1000000 + s.valid_to.microsecond,
           recorded_from: s.recorded_from.epochSeconds * 1000000 + s.recorded_from.microsecond,
           recorded_to: s.recorded_to.epochSeconds * 1000000 + s.recorded_to.microsecond,
           created_at: s.created_at.epochSeconds * 1000000 + s.created_at.microsecond,
           memory_time: s.memory_time.epochSeconds * 1000000 + s.memory_time.microsecond}) AS states
}
RETURN clock.epochSeconds * 1000000 + clock.microsecond AS clock,
       t.epochSeconds * 1000000 + t.microsecond AS t,
       k.epochSeconds * 1000000 + k.microsecond AS k, states
