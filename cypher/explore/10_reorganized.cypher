// What the reorganizer did, newest first: each action is one operation; memory.undo(operation) takes it back.
// :param cube => 'demo'
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.recorded_at > datetime('1970-01-01') AND o.kind = 'reorganize'
OPTIONAL MATCH (s:State {cube_id: $cube, opened_by: o.id})-[:STATE_OF]->(m:Memory)
RETURN o.recorded_at AS at, o.reason AS action, collect(DISTINCT m.memory) AS memories, o.id AS operation
ORDER BY at DESC
LIMIT 100;
