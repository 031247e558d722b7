// The edges known now between these pairs.
UNWIND $given.pairs AS pair
MATCH (a:Memory {cube_id: $given.cube, id: pair[1]})
WITH pair, a
MATCH (b:{{TARGET}} {cube_id: $given.cube, id: pair[2]})
MATCH (a)-[r]->(b)
WHERE type(r) = pair[0] AND r.recorded_to = $given.end
RETURN type(r) AS type, a.id AS source, b.id AS target, {{edge}} AS edge
