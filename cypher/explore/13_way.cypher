// 13 The way to a hit: how a search came there
// From a memory found by words or meaning, every shortest way along edges that hold now and through what holds now, of
// four steps at most, 20 ways at most. `hit.path` has the ids of both ends.
// :param cube => 'demo'
// :param seed => 'd26'
// :param hit => 'd28'
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
MATCH (one:Memory {cube_id: $cube, id: $seed})
WHERE EXISTS {
  (one)<-[:STATE_OF]-(s:State)
  WHERE s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now AND s.status IN ['activated', 'generated']
}
WITH now, one LIMIT 1
MATCH (other:Memory {cube_id: $cube, id: $hit})
WITH now, one, other LIMIT 1
CALL (now, one, other) {
  // What a way may pass: two steps at most from either end. The pattern of the shortest way cannot look at states.
  UNWIND [one, other] AS end
  MATCH (end)-[r:!(STATE_OF|PASSAGE_OF|DERIVED_FROM|MERGED_INTO)]-(near)
  WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now
  WITH DISTINCT now, near
  WHERE near:Entity OR EXISTS {
    (near)<-[:STATE_OF]-(s:State)
    WHERE s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now AND s.status IN ['activated', 'generated']
  }
  MATCH (near)-[r:!(STATE_OF|PASSAGE_OF|DERIVED_FROM|MERGED_INTO)]-(far)
  WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now
  WITH now, collect(DISTINCT near) + collect(DISTINCT far) AS around
  UNWIND around AS n
  WITH DISTINCT now, n
  WHERE n:Entity OR EXISTS {
    (n)<-[:STATE_OF]-(s:State)
    WHERE s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now AND s.status IN ['activated', 'generated']
  }
  RETURN collect(n) AS passable
}
MATCH path = ALL SHORTEST (one) (
  ()-[r:!(STATE_OF|PASSAGE_OF|DERIVED_FROM|MERGED_INTO)
     WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now]-(next)
  WHERE next IN passable
){1,4} (other)
RETURN path, [n IN nodes(path) | coalesce(n.name, n.caption)] AS says
LIMIT 20;
