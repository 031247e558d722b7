// Erase the next entities, sources, operations and tombstones of a cube that is being erased.
MATCH (c:Cube {id: $cube})
SET c.lock = true
WITH c WHERE c.erasing
CALL (c) { MATCH (n:Entity) WHERE n.cube_id = $cube AND n.id > '' WITH n LIMIT $limit
           DETACH DELETE n RETURN count(*) AS entities }
CALL (c) { MATCH (n:Source) WHERE n.cube_id = $cube AND n.id > '' WITH n LIMIT $limit
           DETACH DELETE n RETURN count(*) AS sources }
CALL (c) { MATCH (n:Operation) WHERE n.cube_id = $cube AND n.id > '' WITH n LIMIT $limit
           DETACH DELETE n RETURN count(*) AS operations }
CALL (c) { MATCH (n:Tombstone) WHERE n.cube_id = $cube AND n.id > '' WITH n LIMIT $limit
           DETACH DELETE n RETURN count(*) AS tombstones }
RETURN entities + sources + operations + tombstones AS erased
