// What led to what: every chain of causes, as paths from the first cause to the last effect.
// :param cube => 'demo'
MATCH (first:Memory)
WHERE first.cube_id = $cube AND first.id > '' AND NOT ()-[:CAUSES]->(first)
MATCH path = (first)-[:CAUSES*1..6]->(last:Memory)
WHERE NOT (last)-[:CAUSES]->()
  AND all(r IN relationships(path) WHERE r.recorded_to.year = 9999)
RETURN path;
