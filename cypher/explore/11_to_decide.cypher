// 11 What to decide on: contradictions
// Two memories that hold now and cannot both be true. Delete, correct or supersede one.
// :param cube => 'demo'
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
CALL (now) {
  MATCH (a:Memory)
  WHERE a.cube_id = $cube AND a.id > ''
  MATCH (a)-[r:CONTRADICTS]->(b:Memory)
  WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now
  MATCH (a)<-[:STATE_OF]-(s:State)
  WHERE s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now AND s.status IN ['activated', 'generated']
  MATCH (b)<-[:STATE_OF]-(t:State)
  WHERE t.recorded_to > now AND t.valid_from <= now AND t.valid_to > now AND t.status IN ['activated', 'generated']
  OPTIONAL MATCH (o:Operation {cube_id: $cube, id: r.opened_by})
  RETURN a, s, b, t, r, o
}
RETURN a.id AS one, s.memory AS says, b.id AS other, t.memory AS says_instead, r.confidence AS confidence,
       o.reason AS reason
ORDER BY confidence DESC, one;
