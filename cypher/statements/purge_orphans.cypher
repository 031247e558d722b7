// Erase entities or sources that nothing points at any more.
UNWIND $given.ids AS id
MATCH (n:{{TARGET}} {cube_id: $given.cube, id: id})
WHERE NOT (n)--()
DELETE n
