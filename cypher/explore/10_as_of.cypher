// 10 The graph as of a date
// As it is known now: what held then, with the edges that held then. 500 rows at most.
// :param cube => 'demo'
// :param as_of => datetime('2025-03-01')
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
CALL (now) {
  MATCH (s:State)
  WHERE s.cube_id = $cube AND s.recorded_to > now AND s.valid_to > $as_of
    AND s.valid_from <= $as_of AND s.status IN ['activated', 'generated']
  MATCH (s)-[:STATE_OF]->(m:Memory)
  OPTIONAL MATCH (m)-[r:!DERIVED_FROM]->(other)
  WHERE r.recorded_to > now AND r.valid_from <= $as_of AND r.valid_to > $as_of
    AND (other:Entity OR EXISTS {
      (other)<-[:STATE_OF]-(o:State)
      WHERE o.recorded_to > now AND o.valid_from <= $as_of AND o.valid_to > $as_of
        AND o.status IN ['activated', 'generated']
    })
  RETURN s, m, r, other
}
RETURN s, m, r, other
LIMIT 500;
