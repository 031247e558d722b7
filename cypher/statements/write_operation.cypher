// The audit trail: the operation, and the parent of a part.
FOREACH (parent IN $parents |
  MERGE (p:Operation {cube_id: $cube, id: parent.id})
  ON CREATE SET p += parent.created
  SET p.status = parent.status)
MERGE (o:Operation {cube_id: $cube, id: $operation})
SET o += $properties
