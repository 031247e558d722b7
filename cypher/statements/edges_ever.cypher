// Every edge ever recorded at these memories, in either direction.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
MATCH (m)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MERGED_INTO|MENTIONS|DERIVED_FROM]-()
WHERE $types IS NULL OR type(r) IN $types
WITH DISTINCT r
RETURN type(r) AS type, startNode(r).id AS source, endNode(r).id AS target, labels(endNode(r)) AS labels,
      r{.*, valid_from: r.valid_from.epochSeconds * 1000000 + r.valid_from.microsecond,
      valid_to: r.valid_to.epochSeconds * 1000000 + r.valid_to.microsecond,
      recorded_from: r.recorded_from.epochSeconds * 1000000 + r.recorded_from.microsecond,
      recorded_to: r.recorded_to.epochSeconds * 1000000 + r.recorded_to.microsecond} AS edge
