// What changed between two moments of knowing: every operation with the states it opened and closed.
// :param cube => 'demo'
// :param from => datetime('2025-05-01')
// :param to => datetime('2025-06-01')
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.recorded_at >= $from AND o.recorded_at < $to
OPTIONAL MATCH (new:State {cube_id: $cube, opened_by: o.id})
WITH o, collect(new.memory) AS learned
OPTIONAL MATCH (old:State {cube_id: $cube, closed_by: o.id})
RETURN o.recorded_at AS at, o.kind AS kind, o.reason AS reason, learned, collect(old.memory) AS no_longer_known
ORDER BY at;
