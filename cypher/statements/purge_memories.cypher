// Erase memories with their states and edges; leave tombstones; return what they mentioned.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
MERGE (t:Tombstone {cube_id: $cube, id: id})
SET t.purged_at = $at, t.reason = $reason, t.actor = $actor, t.operation = $operation
WITH m
OPTIONAL MATCH (m)-[:MENTIONS|DERIVED_FROM]->(n) WHERE n:Entity OR n:Source
WITH m, collect(DISTINCT [n:Entity, n.id]) AS ends,
     COUNT { (m)-[:{{edge_types}}]-() }
     AS edges
CALL (m) { MATCH (m)<-[:STATE_OF]-(s:State) DETACH DELETE s RETURN count(s) AS states }
DETACH DELETE m
RETURN ends, edges, states
