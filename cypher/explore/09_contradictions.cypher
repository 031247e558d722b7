// Contradictions to decide on: two memories that cannot both be true. Delete, correct or supersede one of them.
// :param cube => 'demo'
MATCH (a:Memory)
WHERE a.cube_id = $cube AND a.status IN ['activated', 'generated'] AND a.id > ''
MATCH (a)-[r:CONTRADICTS]->(b:Memory)
WHERE b.status IN ['activated', 'generated'] AND r.recorded_to.year = 9999 AND r.valid_to > datetime()
OPTIONAL MATCH (o:Operation {cube_id: $cube, id: r.opened_by})
RETURN a.id AS one, a.memory AS says, b.id AS other, b.memory AS says_instead, r.confidence AS confidence,
       o.reason AS reason
ORDER BY confidence DESC, one;
