// 04 The tree: what lies below what
// Topics with their memories, documents with their headings and passages, as they hold now. 500 rows at most.
// :param cube => 'demo'
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
CALL (now) {
  MATCH (above:Memory)
  WHERE above.cube_id = $cube AND above.id > ''
  MATCH (above)-[r:PARENT]->(below:Memory)
  WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now
  MATCH (above)<-[:STATE_OF]-(s:State)
  WHERE s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now AND s.status IN ['activated', 'generated']
  MATCH (below)<-[:STATE_OF]-(t:State)
  WHERE t.recorded_to > now AND t.valid_from <= now AND t.valid_to > now AND t.status IN ['activated', 'generated']
  RETURN above, r, below, s.memory AS says, t.memory AS holds
}
RETURN above, r, below, says, holds
LIMIT 500;
