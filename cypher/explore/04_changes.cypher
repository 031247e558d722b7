// What changed between two moments of knowing: every operation with what it says and what it took from what was known.
// A memory that was deleted or put away is no longer known as it was, and nothing new is learned of it.
// :param cube => 'demo'
// :param from => datetime('2025-05-01')
// :param to => datetime('2025-06-01')
MATCH (o:Operation)
WHERE o.cube_id = $cube AND o.recorded_at >= $from AND o.recorded_at < $to
OPTIONAL MATCH (new:State {cube_id: $cube, opened_by: o.id})
WHERE new.status IN ['activated', 'generated']
WITH o, collect(new.memory) AS learned
OPTIONAL MATCH (old:State {cube_id: $cube, closed_by: o.id})
WHERE old.status IN ['activated', 'generated']
RETURN o.recorded_at AS at, o.kind AS kind, o.reason AS reason, learned, collect(old.memory) AS no_longer_known
ORDER BY at;
