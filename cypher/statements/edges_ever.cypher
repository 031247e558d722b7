// Every edge ever recorded at these memories, in either direction.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
MATCH (m)-[r:{{edge_types}}]-()
WHERE $types IS NULL OR type(r) IN $types
WITH DISTINCT r
RETURN type(r) AS type, startNode(r).id AS source, endNode(r).id AS target, labels(endNode(r)) AS labels,
      {{edge}} AS edge
