// Erase memories with their states and edges; leave tombstones; return what they mentioned.
UNWIND $given.ids AS id
MATCH (m:Memory {cube_id: $given.cube, id: id})
MERGE (t:Tombstone {cube_id: $given.cube, id: id})
SET t.purged_at = $given.at, t.reason = $given.reason, t.actor = $given.actor, t.operation = $given.operation
WITH m
OPTIONAL MATCH (m)-[:MENTIONS|DERIVED_FROM]->(n) WHERE n:Entity OR n:Source
WITH m, collect(DISTINCT [n:Entity, n.id]) AS ends,
     COUNT { (m)-[r:{{edge_types}}]-() WHERE {{ours ROW=r}} } AS edges,
     COUNT { (m)<-[:STATE_OF]-() } AS states
CALL (m) { MATCH (m)<-[:STATE_OF]-(s:State) OPTIONAL MATCH (s)<-[:PASSAGE_OF]-(p:Passage) DETACH DELETE s, p }
DETACH DELETE m
RETURN ends, edges, states
