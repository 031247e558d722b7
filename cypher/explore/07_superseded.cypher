// What superseded what: the newer memory, the older one, since when, and which operation said so and why.
// :param cube => 'demo'
MATCH (old:Memory)
WHERE old.cube_id = $cube
MATCH (new:Memory)-[r:SUPERSEDES]->(old)
OPTIONAL MATCH (o:Operation {cube_id: $cube, id: r.opened_by})
RETURN new.memory AS newer, old.memory AS older, date(r.valid_from) AS since, r.confidence AS confidence,
       CASE WHEN r.recorded_to.year = 9999 THEN 'known' ELSE 'taken back' END AS state,
       o.kind AS by, o.actor AS actor, o.reason AS reason
ORDER BY since, newer;
