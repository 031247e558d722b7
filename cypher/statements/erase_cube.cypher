// Erase a cube that is being erased, once nothing else of it is left.
MATCH (c:Cube {id: $given.cube})
SET c.lock = true
WITH c WHERE c.erasing
CALL (c) { MATCH (n:Lease {cube_id: $given.cube}) DETACH DELETE n }
DELETE c
