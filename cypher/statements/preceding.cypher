// The states, at a moment, of the messages that these memories follow, the one of the strongest edge last.
MATCH (c:Cube {id: $cube})
WITH c.clock AS clock, coalesce($known_at, c.clock) AS k
WITH clock, k, CASE WHEN $valid_at IS NOT NULL THEN $valid_at WHEN $now > clock OR clock > $latest THEN $now ELSE clock END AS t
CALL (t, k) {
  UNWIND $ids AS id
  MATCH (m:Memory {cube_id: $cube, id: id})-[r:FOLLOWS]->(b:Memory)
  WHERE r.valid_from <= t AND r.valid_to > t AND r.recorded_from <= k AND r.recorded_to > k
  MATCH (b)<-[:STATE_OF]-(s:State)
  WHERE s.valid_from <= t AND s.valid_to > t AND s.recorded_from <= k AND s.recorded_to > k AND s.status IN $statuses
  WITH m, r, s ORDER BY r.weight, r.tiebreak DESC
  RETURN collect([m.id, s{.*, embedding: null,
           valid_from: s.valid_from.epochSeconds * 1000000 + s.valid_from.microsecond,
           valid_to: s.valid_to.epochSeconds * 1000000 + s.valid_to.microsecond,
           recorded_from: s.recorded_from.epochSeconds * 1000000 + s.recorded_from.microsecond,
           recorded_to: s.recorded_to.epochSeconds * 1000000 + s.recorded_to.microsecond,
           created_at: s.created_at.epochSeconds * 1000000 + s.created_at.microsecond,
           memory_time: s.memory_time.epochSeconds * 1000000 + s.memory_time.microsecond}]) AS found
}
RETURN clock.epochSeconds * 1000000 + clock.microsecond AS clock, found
