// Hybrid search in one round trip, as plain as it gets: states joined directly, no versions, no order in the fan.
CYPHER 25
CALL () {
  MATCH (m:RawState) SEARCH m IN (VECTOR INDEX raw_state_embedding FOR $vector
    WHERE m.cube_id = $cube AND m.status = 'activated' AND m.valid_from <= $t AND m.valid_to > $t
      AND m.recorded_from <= $k AND m.recorded_to > $k LIMIT $limit) SCORE AS score
  RETURN m, score, 0 AS arm
  UNION ALL
  MATCH (m:RawState) SEARCH m IN (FULLTEXT INDEX raw_state_text FOR $text LIMIT $limit) SCORE AS score
  WHERE m.cube_id = $cube AND m.status = 'activated' AND m.valid_from <= $t AND m.valid_to > $t
    AND m.recorded_from <= $k AND m.recorded_to > $k
  RETURN m, score, 1 AS arm
}
WITH collect([m.id, score, arm]) AS seeds, collect(DISTINCT m) AS L0
CALL (L0) {
  UNWIND L0 AS a
  UNWIND COLLECT {
    MATCH (a)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|MENTIONS]-(b)
    WHERE r.valid_from <= $t AND r.valid_to > $t AND (b:RawEntity OR (b.status = 'activated' AND b.valid_from <= $t
      AND b.valid_to > $t AND b.recorded_from <= $k AND b.recorded_to > $k))
    RETURN r LIMIT $fan_out
  } AS r
  RETURN collect(DISTINCT r) AS R1
}
CALL (L0, R1) {
  UNWIND R1 AS r UNWIND [startNode(r), endNode(r)] AS x
  WITH DISTINCT x, L0 WHERE NOT x IN L0
  RETURN collect(x) AS L1
}
CALL (L1) {
  UNWIND L1 AS a
  UNWIND COLLECT {
    MATCH (a)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|MENTIONS]-(b)
    WHERE r.valid_from <= $t AND r.valid_to > $t AND (b:RawEntity OR (b.status = 'activated' AND b.valid_from <= $t
      AND b.valid_to > $t AND b.recorded_from <= $k AND b.recorded_to > $k))
    RETURN r LIMIT $fan_out
  } AS r
  RETURN collect(DISTINCT r) AS R2
}
CALL (R1, R2) {
  UNWIND R1 + R2 AS r
  WITH DISTINCT r
  RETURN collect([coalesce(startNode(r).id, startNode(r).name), coalesce(endNode(r).id, endNode(r).name), type(r),
                  r.weight]) AS edges
}
RETURN seeds, edges
