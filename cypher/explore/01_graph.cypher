// The graph of a cube as it holds now: memories, the names they mention, and the links between them.
// Set the cube first:  :param cube => 'demo'
MATCH (m:Memory)
WHERE m.cube_id = $cube AND m.id > '' AND m.status IN ['activated', 'generated'] AND m.recorded_to.year = 9999
OPTIONAL MATCH (m)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MENTIONS]->(other)
WHERE r.recorded_to.year = 9999 AND r.valid_from <= datetime() AND r.valid_to > datetime()
RETURN m, r, other
LIMIT 300;
