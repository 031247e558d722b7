// Erase entities or sources that nothing points at any more.
UNWIND $ids AS id
MATCH (n:{{TARGET}} {cube_id: $cube, id: id})
WHERE NOT (n)--()
DELETE n
