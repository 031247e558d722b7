// Entities by id.
UNWIND $ids AS id
MATCH (e:Entity {cube_id: $cube, id: id})
RETURN e.id AS id, e.name AS name, e.kind AS kind
ORDER BY id
