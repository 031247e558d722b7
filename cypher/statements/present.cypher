// Which of these entities or sources exist.
UNWIND $ids AS id
MATCH (n:{{TARGET}} {cube_id: $cube, id: id})
RETURN n.id AS id
