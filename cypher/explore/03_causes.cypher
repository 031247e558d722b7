// 03 What led to what: chains of causes
// Chains of causes that hold now, from the first cause to the last effect, 15 steps and 200 chains at most. A chain that
// runs into a circle ends when it has gone around. Where nothing leads into a circle there is no first cause: it is not
// shown here; 01 shows it.
// :param cube => 'demo'
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
CALL (now) {
  MATCH (first:Memory)
  WHERE first.cube_id = $cube AND first.id > ''
    AND EXISTS { (first)-[r:CAUSES]->() WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now }
  MATCH path = (first) (
    ()-[step:CAUSES WHERE step.recorded_to > now AND step.valid_from <= now AND step.valid_to > now]->()
  ){1,15} (last:Memory)
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
      WHERE r.recorded_to > now AND r.valid_from <= now AND r.valid_to > now AND NOT r IN relationships(path)
        AND s.recorded_to > now AND s.valid_from <= now AND s.valid_to > now
        AND s.status IN ['activated', 'generated']
    })
  RETURN path, says
}
RETURN path, says
LIMIT 200;
