// One hop of the walk: the edges that the nodes reached last pass on, and the nodes at their other ends that hold.
// HOP is its number, FROM the nodes it starts at, BEFORE all nodes reached before. START says which of them, as a, pass
// on edges, in which order, FOLLOWED whether the walk takes an edge r from there, MOST when to stop reading them, FRESH
// whether a node b is reached for the first time. CACHED is put behind the test of the cache that an identity has of its
// last state, VISIBLE behind that of a state.
CALL ({{FROM}}, t, k, u) {
  UNWIND CASE WHEN $given.hops >= {{HOP}} THEN {{FROM}} ELSE [] END AS a
  {{START}}
  UNWIND COLLECT {
    MATCH (a)-[r:{{edge_types}}]-(b)
    WHERE {{FOLLOWED}} AND {{holds ROW=r SINCE=t UNTIL=u}}
      AND (type(r) IN $given.edge_types) = $given.listed_types
    RETURN r ORDER BY r.weight DESC, r.tiebreak LIMIT $given.fan_out
  } AS r
  WITH r{{MOST}}
  RETURN collect(DISTINCT r) AS R{{HOP}}
}
CALL (R{{HOP}}, {{BEFORE}}, t, k, u) {
  UNWIND R{{HOP}} AS r UNWIND [startNode(r), endNode(r)] AS b
  WITH DISTINCT b, {{BEFORE}}, t, k, u WHERE {{FRESH}}
  WITH b, CASE
    WHEN NOT b:Memory THEN [0, '']
    WHEN b.status IN $given.statuses AND {{holds ROW=b SINCE=t UNTIL=u}}{{CACHED}}
      THEN [b.version, b.memory_type]
    ELSE head(COLLECT {
      MATCH (b)<-[:STATE_OF]-(s:State)
      WHERE s.status IN $given.statuses AND {{holds ROW=s SINCE=t UNTIL=u}}{{VISIBLE}}
      RETURN [s.version, s.memory_type] ORDER BY s.valid_from DESC })
  END AS held
  WHERE held IS NOT NULL
  RETURN collect(b) AS L{{HOP}}, collect(CASE WHEN b:Memory THEN [b.id, held[0], held[1]] END) AS M{{HOP}}
}
