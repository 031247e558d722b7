// 07 What changed when, and why
// Every operation between two moments of knowing, with what it says and what it took from what was known. An update ends
// the old text and keeps it, as what held until then: a text that is known before and after is in neither column.
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
WITH o, learned, collect(old.memory) AS closed
RETURN o.recorded_at AS at, o.kind AS kind, o.reason AS reason, [text IN learned WHERE NOT text IN closed] AS learned,
       [text IN closed WHERE NOT text IN learned] AS no_longer_known
ORDER BY at;
