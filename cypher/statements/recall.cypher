// One question, one round trip: seeds of both arms, entities named, then up to two hops over typed edges from the
// entities and the best seeds of each arm.
CYPHER 25
MATCH (c:Cube {id: $cube})
WITH c, c.clock AS clock, coalesce($known_at, c.clock) AS k
WITH c, clock, k, CASE WHEN $valid_at IS NOT NULL THEN $valid_at WHEN $now > clock THEN $now ELSE clock END AS at
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
CALL (L0, t, k, u) {
  UNWIND CASE WHEN $hops >= 1 THEN L0 ELSE [] END AS a
  UNWIND COLLECT {
    MATCH (a)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MERGED_INTO|MENTIONS|DERIVED_FROM]-(b)
    WHERE r.valid_from <= u AND r.valid_to > t AND r.recorded_from <= k AND r.recorded_to > k
      AND type(r) IN $edge_types
    RETURN r ORDER BY r.weight DESC, r.tiebreak LIMIT $fan_out
  } AS r
  RETURN collect(DISTINCT r) AS R1
}
CALL (R1, L0, t, k, u) {
  UNWIND R1 AS r UNWIND [startNode(r), endNode(r)] AS b
  WITH DISTINCT b, L0, t, k, u WHERE NOT b IN L0
  WITH b, CASE
    WHEN NOT b:Memory THEN [0, '']
    WHEN b.status IN $statuses AND b.valid_from <= u AND b.valid_to > t AND b.recorded_from <= k
      AND b.recorded_to > k/* cached */
      THEN [b.version, b.memory_type]
    ELSE head(COLLECT {
      MATCH (b)<-[:STATE_OF]-(s:State)
      WHERE s.status IN $statuses AND s.valid_from <= u AND s.valid_to > t AND s.recorded_from <= k
        AND s.recorded_to > k/* visible */
      RETURN [s.version, s.memory_type] ORDER BY s.valid_from DESC })
  END AS held
  WHERE held IS NOT NULL
  RETURN collect(b) AS L1, collect(CASE WHEN b:Memory THEN [b.id, held[0], held[1]] END) AS M1
}
CALL (L1, t, k, u) {
  UNWIND CASE WHEN $hops >= 2 THEN L1 ELSE [] END AS a
  WITH a, t, k, u
  WHERE COUNT { (a)-[:PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MERGED_INTO|MENTIONS|DERIVED_FROM]-() }
    <= $hub_degree
  UNWIND COLLECT {
    MATCH (a)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MERGED_INTO|MENTIONS|DERIVED_FROM]-(b)
    WHERE r.valid_from <= u AND r.valid_to > t AND r.recorded_from <= k AND r.recorded_to > k
      AND type(r) IN $edge_types
    RETURN r ORDER BY r.weight DESC, r.tiebreak LIMIT $fan_out
  } AS r
  RETURN collect(DISTINCT r) AS R2
}
CALL (R2, L0, L1, t, k, u) {
  UNWIND R2 AS r UNWIND [startNode(r), endNode(r)] AS b
  WITH DISTINCT b, L0, L1, t, k, u WHERE NOT b IN L0 AND NOT b IN L1
  WITH b, CASE
    WHEN NOT b:Memory THEN [0, '']
    WHEN b.status IN $statuses AND b.valid_from <= u AND b.valid_to > t AND b.recorded_from <= k
      AND b.recorded_to > k/* cached */
      THEN [b.version, b.memory_type]
    ELSE head(COLLECT {
      MATCH (b)<-[:STATE_OF]-(s:State)
      WHERE s.status IN $statuses AND s.valid_from <= u AND s.valid_to > t AND s.recorded_from <= k
        AND s.recorded_to > k/* visible */
      RETURN [s.version, s.memory_type] ORDER BY s.valid_from DESC })
  END AS held
  WHERE held IS NOT NULL
  RETURN collect(b) AS L2, collect(CASE WHEN b:Memory THEN [b.id, held[0], held[1]] END) AS M2
}
CALL (R1, R2) {
  UNWIND R1 + R2 AS r
  WITH DISTINCT r
  RETURN collect([type(r), startNode(r).id, endNode(r).id, r.weight, r.confidence]) AS edges
}
RETURN clock.epochSeconds * 1000000 + clock.microsecond AS clock, c.embedder AS embedder, c.dimension AS dimension,
       seeds, [e IN named | [e.id, e.name, e.kind]] AS named,
       M1 + M2 AS memories, [e IN L1 + L2 WHERE e:Entity | [e.id, e.name, e.kind]] AS entities,
       [e IN L1 + L2 WHERE e:Source | e.id] AS sources, edges
