// 01 What is here: the graph as it holds now
// Memories, the names that they mention, and the links between them. What ended, has not begun, or was put away is
// not shown. 300 rows at most: change the last line for more. Set the cube first:
// :param cube => 'demo'
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
CALL (now) {
  MATCH (s:State)
  WHERE s.cube_id = $cube AND s.recorded_to > now AND s.valid_to > now
    AND s.valid_from <= now AND s.status IN ['activated', 'generated']
  MATCH (s)-[:STATE_OF]->(m:Memory)
  OPTIONAL MATCH (m)-[r:!(MERGED_INTO|DERIVED_FROM)]->(other)
  WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now
    AND (other:Entity OR EXISTS {
      (other)<-[:STATE_OF]-(o:State)
      WHERE o.recorded_to > now AND o.valid_from <= now AND o.valid_to > now AND o.status IN ['activated', 'generated']
    })
  RETURN m, s.memory AS says, r, other
}
RETURN m, says, r, other
LIMIT 300;
