// Edges at these memories that hold at a moment, and whose ends hold too unless $statuses is null.
MATCH (c:Cube {id: $cube})
WITH c.clock AS clock, coalesce($known_at, c.clock) AS k
WITH clock, k, CASE WHEN $valid_at IS NOT NULL THEN $valid_at WHEN $now > clock OR clock > $latest THEN $now ELSE clock END AS t
CALL (t, k) {
  UNWIND $ids AS id
  MATCH (m:Memory {cube_id: $cube, id: id})
  MATCH (m)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MERGED_INTO|MENTIONS|DERIVED_FROM]-(other)
  WHERE r.valid_from <= t AND r.valid_to > t AND r.recorded_from <= k AND r.recorded_to > k
    AND ($types IS NULL OR type(r) IN $types)
    AND (($outward AND startNode(r) = m) OR ($inward AND endNode(r) = m))
    AND ($statuses IS NULL OR (
      EXISTS { (m)<-[:STATE_OF]-(s:State)
               WHERE s.valid_from <= t AND s.valid_to > t AND s.recorded_from <= k AND s.recorded_to > k
                 AND s.status IN $statuses }
      AND (NOT other:Memory
           OR EXISTS { (other)<-[:STATE_OF]-(s:State)
                       WHERE s.valid_from <= t AND s.valid_to > t AND s.recorded_from <= k AND s.recorded_to > k
                         AND s.status IN $statuses })))
  WITH DISTINCT r
  RETURN collect({type: type(r), source: startNode(r).id, target: endNode(r).id, labels: labels(endNode(r)),
                  edge: r{.*, valid_from: r.valid_from.epochSeconds * 1000000 + r.valid_from.microsecond,
                  valid_to: r.valid_to.epochSeconds * 1000000 + r.valid_to.microsecond,
                  recorded_from: r.recorded_from.epochSeconds * 1000000 + r.recorded_from.microsecond,
                  recorded_to: r.recorded_to.epochSeconds * 1000000 + r.recorded_to.microsecond}}) AS edges
}
RETURN clock.epochSeconds * 1000000 + clock.microsecond AS clock, edges
