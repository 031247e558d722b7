// Erase what is left of a cube once its memories are gone.
CALL () { MATCH (n:Entity) WHERE n.cube_id = $cube AND n.id > '' DETACH DELETE n }
CALL () { MATCH (n:Source) WHERE n.cube_id = $cube AND n.id > '' DETACH DELETE n }
CALL () { MATCH (n:Operation) WHERE n.cube_id = $cube AND n.id > '' DETACH DELETE n }
CALL () { MATCH (n:Tombstone) WHERE n.cube_id = $cube AND n.id > '' DETACH DELETE n }
CALL () { MATCH (n:Lease {cube_id: $cube}) DETACH DELETE n }
MATCH (c:Cube {id: $cube})
DELETE c
