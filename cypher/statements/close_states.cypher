// Close states with their passages; the identity's cache follows where it showed the closed one.
UNWIND $given.rows AS row
MATCH (s:State {cube_id: $given.cube, id: row.id, version: row.version})-[:STATE_OF]->(m:Memory)
SET s.recorded_to = $given.at, s.closed_by = $given.operation, s.scope = row.scope
SET m.recorded_to = CASE WHEN m.version = s.version THEN $given.at ELSE m.recorded_to END
SET s:Former, m:$(CASE WHEN m.version = s.version THEN ['Former'] ELSE [] END)
WITH s
MATCH (s)<-[:PASSAGE_OF]-(p:Passage)
SET p.recorded_to = $given.at, p.scope = {{passage_scope}}
