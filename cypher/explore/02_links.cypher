// What led to what: every chain of causes that holds now, from the first cause to the last effect, fifteen steps at most.
// Causes that run in a circle have no first one, and are not shown here; 01_graph.cypher shows them.
// :param cube => 'demo'
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
CALL (now) {
  MATCH (first:Memory)
  WHERE first.cube_id = $cube AND first.id > ''
    AND EXISTS { (first)-[r:CAUSES]->() WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now }
  MATCH path = (first)-[:CAUSES*1..15]->(last:Memory)
  WHERE all(r IN relationships(path) WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now)
  WITH path, first, last,
       [n IN nodes(path) | [(n)<-[:STATE_OF]-(s:State)
                            WHERE s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now
                              AND s.status IN ['activated', 'generated'] | s.memory][0]] AS says
  WHERE all(text IN says WHERE text IS NOT NULL)
    AND NOT EXISTS {
      (first)<-[r:CAUSES]-(earlier:Memory)<-[:STATE_OF]-(s:State)
      WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now
        AND s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now
        AND s.status IN ['activated', 'generated']
    }
    AND (length(path) = 15 OR NOT EXISTS {
      (last)-[r:CAUSES]->(later:Memory)<-[:STATE_OF]-(s:State)
      WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now
        AND s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now
        AND s.status IN ['activated', 'generated']
    })
  RETURN path, says
}
RETURN path, says;
