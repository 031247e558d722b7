// One hop of the walk: the edges that the nodes reached last pass on, and the nodes at their other ends that hold.
// __HOP__ is its number, __FROM__ the nodes it starts at, __LEVELS__ all nodes reached before,
// __PASSABLE__ and __FRESH__ tests.
CALL (__FROM__, t, k, u) {
  UNWIND CASE WHEN $hops >= __HOP__ THEN __FROM__ ELSE [] END AS a
  WITH a, t, k, u WHERE __PASSABLE__
  UNWIND COLLECT {
    MATCH (a)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MERGED_INTO|MENTIONS|DERIVED_FROM]-(b)
    WHERE r.valid_from <= u AND r.valid_to > t AND r.recorded_from <= k AND r.recorded_to > k
      AND type(r) IN $edge_types
    RETURN r ORDER BY r.weight DESC, r.tiebreak LIMIT $fan_out
  } AS r
  RETURN collect(DISTINCT r) AS R__HOP__
}
CALL (R__HOP__, __LEVELS__, t, k, u) {
  UNWIND R__HOP__ AS r UNWIND [startNode(r), endNode(r)] AS b
  WITH DISTINCT b, __LEVELS__, t, k, u WHERE __FRESH__
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
  RETURN collect(b) AS L__HOP__, collect(CASE WHEN b:Memory THEN [b.id, held[0], held[1]] END) AS M__HOP__
}
