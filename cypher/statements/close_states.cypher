// Close states; the identity's cache follows where it showed the closed one.
UNWIND $rows AS row
MATCH (s:State {cube_id: $cube, id: row.id, version: row.version})-[:STATE_OF]->(m:Memory)
SET s.recorded_to = $at, s.closed_by = $operation, s.scope = row.scope
SET m.recorded_to = CASE WHEN m.version = s.version THEN $at ELSE m.recorded_to END
