// Entities, made once.
UNWIND $rows AS row
MERGE (e:Entity {cube_id: $cube, id: row.id})
ON CREATE SET e.name = row.name, e.kind = row.kind
