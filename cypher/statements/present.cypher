// Which of these entities or sources exist.
UNWIND $given.ids AS id
MATCH (n:{{TARGET}} {cube_id: $given.cube, id: id})
RETURN n.id AS id
