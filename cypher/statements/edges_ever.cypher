// Every edge ever recorded at these memories, in either direction.
UNWIND $given.ids AS id
MATCH (m:Memory {cube_id: $given.cube, id: id})
MATCH (m)-[r:{{edge_types}}]-()
WHERE {{ours ROW=r}} AND ($given.types IS NULL OR type(r) IN $given.types)
WITH DISTINCT r
RETURN type(r) AS type, startNode(r).id AS source, endNode(r).id AS target, labels(endNode(r)) AS labels,
      {{edge}} AS edge
