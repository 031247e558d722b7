// Every edge ever recorded from these memories.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
MATCH (m)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MERGED_INTO|MENTIONS|DERIVED_FROM]->(b)
RETURN type(r) AS type, m.id AS source, b.id AS target, labels(b) AS labels, properties(r) AS edge
ORDER BY source, type, target, edge.recorded_from, edge.valid_from
