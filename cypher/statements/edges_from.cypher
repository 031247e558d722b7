// Every edge ever recorded from these memories.
UNWIND $given.ids AS id
MATCH (m:Memory {cube_id: $given.cube, id: id})
MATCH (m)-[r]->(b)
WHERE {{ours ROW=r}}
RETURN type(r) AS type, m.id AS source, b.id AS target, labels(b) AS labels, {{edge}} AS edge
