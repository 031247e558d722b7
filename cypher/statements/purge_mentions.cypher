// Erase what operations let memories mention; return it as purge_memories does.
UNWIND $given.pairs AS pair
MATCH (m:Memory {cube_id: $given.cube, id: pair.id})-[r:MENTIONS {opened_by: pair.operation}]->(n:Entity)
WITH m, n, r
DELETE r
RETURN collect(DISTINCT [true, n.id]) AS ends, count(r) AS edges, 0 AS states
