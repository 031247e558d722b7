// One question, one round trip: seeds of both arms, entities named, then up to three hops over typed edges from the
// entities and the best seeds of each arm (fragments/hop.cypher, once a hop).
CYPHER 25
MATCH (c:Cube {id: $cube})
WITH c, c.clock AS clock, coalesce($known_at, c.clock) AS k
WITH c, clock, k, CASE WHEN $valid_at IS NOT NULL THEN $valid_at WHEN $now > clock OR clock > $latest THEN $now ELSE clock END AS at
WITH c, clock, k, coalesce($since, at) AS t, coalesce($until, at) AS u
WITH c, clock, t, k, u,
     right('000000000000000000' + toString((t.epochSeconds + 62135596800) * 1000000 + t.microsecond), 18) AS t18,
     right('000000000000000000' + toString((u.epochSeconds + 62135596800) * 1000000 + u.microsecond), 18) AS u18,
     right('000000000000000000' + toString((k.epochSeconds + 62135596800) * 1000000 + k.microsecond), 18) AS k18
CALL (t, k, u, t18, u18, k18) {
  CALL (t, k, u, t18, u18, k18) {
    WITH t, k, u WHERE $vector IS NOT NULL
    MATCH (s:State) SEARCH s IN (VECTOR INDEX treemem_state_embedding FOR $vector
      WHERE s.cube_id = $cube AND s.status IN $statuses AND s.valid_from <= u AND s.valid_to > t
        AND s.recorded_from <= k AND s.recorded_to > k/* in-index filter */
      LIMIT $vector_breadth) SCORE AS score
    WHERE true/* filter */
    RETURN s, score, 'vector' AS arm
    UNION ALL
    WITH t, k, u, '+scope:(' + $text_statuses + ')^0 +scope:[' + $scope + 'f TO ' + $scope + 'f' + u18 + ']^0 +scope:{'
      + $scope + 'e' + t18 + ' TO ' + $scope + 'f}^0 +scope:[' + $scope + 'r TO ' + $scope + 'r' + k18
      + ']^0 +scope:{' + $scope + 'x' + k18 + ' TO ' + $scope + 'y}^0 +tokens:(' + $text + ')' AS query
    WHERE $text IS NOT NULL
    MATCH (s:State) SEARCH s IN (FULLTEXT INDEX treemem_state_text FOR query LIMIT $text_breadth) SCORE AS score
    WHERE s.cube_id = $cube AND s.status IN $statuses AND s.valid_from <= u AND s.valid_to > t
      AND s.recorded_from <= k AND s.recorded_to > k/* filter */
    RETURN s, score, 'text' AS arm
  }
  MATCH (s)-[:STATE_OF]->(m:Memory)
  WITH m, arm, score, [m.id, s.version, arm, score, s.memory_type,
       s.valid_from.epochSeconds * 1000000 + s.valid_from.microsecond,
       s.valid_to.epochSeconds * 1000000 + s.valid_to.microsecond] AS seed
       ORDER BY score DESC, m.id, s.version
  WITH arm, collect(seed)[..CASE arm WHEN 'vector' THEN $vector_limit ELSE $text_limit END] AS seeds,
       collect(m)[..$walk_seeds] AS best
  WITH reduce(all = [], some IN collect(seeds) | all + some) AS seeds,
       reduce(all = [], some IN collect(best) | all + some) AS best
  RETURN seeds, COLLECT { UNWIND best AS m RETURN DISTINCT m } AS found
}
CALL (k) {
  UNWIND $entity_ids AS id
  MATCH (e:Entity {cube_id: $cube, id: id})
  RETURN collect(e) AS named
}
WITH c, clock, t, k, u, seeds, named, found + named AS L0
/* hops */
CALL (R1, R2, R3) {
  UNWIND R1 + R2 + R3 AS r
  WITH DISTINCT r
  RETURN collect([type(r), startNode(r).id, endNode(r).id, r.weight, r.confidence]) AS edges
}
RETURN clock.epochSeconds * 1000000 + clock.microsecond AS clock, c.embedder AS embedder, c.dimension AS dimension,
       seeds, [e IN named | [e.id, e.name, e.kind]] AS named,
       M1 + M2 + M3 AS memories, [e IN L1 + L2 + L3 WHERE e:Entity | [e.id, e.name, e.kind]] AS entities,
       [e IN L1 + L2 + L3 WHERE e:Source | e.id] AS sources, edges
