// Entities by id.
UNWIND $given.ids AS id
MATCH (e:Entity {cube_id: $given.cube, id: id})
RETURN e.id AS id, e.name AS name, e.kind AS kind
ORDER BY id
