// 12 What the reorganizer did
// The last 100 actions, newest first. Each action is one operation; memory.undo(operation) takes it back.
// `memories` are those whose states or links it made, as they read then.
// :param cube => 'demo'
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.recorded_at > datetime('1970-01-01') AND o.kind = 'reorganize'
WITH o ORDER BY o.recorded_at DESC
LIMIT 100
WITH collect(o) AS actions, collect(o.id) AS ids
CALL (ids) {
  MATCH (m:Memory)
  WHERE m.cube_id = $cube AND m.id > ''
  MATCH (m)-[r:!(MENTIONS|DERIVED_FROM|STATE_OF)]-()
  WHERE r.opened_by IN ids
  RETURN collect(DISTINCT {operation: r.opened_by, memory: m}) AS linked
}
UNWIND actions AS o
OPTIONAL MATCH (new:State {cube_id: $cube, opened_by: o.id})
WITH o, linked, collect(DISTINCT new.memory) AS opened
WITH o, opened, [each IN linked WHERE each.operation = o.id | each.memory] AS ends
CALL (o, ends) {
  UNWIND ends AS m
  MATCH (m)<-[:STATE_OF]-(s:State)
  WHERE s.recorded_from <= o.recorded_at AND s.recorded_to > o.recorded_at AND s.valid_from <= o.recorded_at
  WITH m, s ORDER BY s.valid_from DESC
  WITH m, head(collect(s)) AS s
  RETURN collect(DISTINCT s.memory) AS joined
}
RETURN o.recorded_at AS at, o.reason AS action,
       opened + [text IN joined WHERE NOT text IN opened] AS memories, o.id AS operation
ORDER BY at DESC;
