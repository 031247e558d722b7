// 08 What superseded what
// The newer memory, the older one, since when, and which operation said so and why.
// An older one may have ended; its last words are shown. `state` says whether the link is known or was taken back.
// :param cube => 'demo'
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
CALL (now) {
  MATCH (old:Memory)
  WHERE old.cube_id = $cube AND old.id > ''
  MATCH (new:Memory)-[r:SUPERSEDES]->(old)
  WHERE r.valid_from <= now AND r.valid_to > now
  WITH now, new, old, r ORDER BY r.recorded_from DESC
  WITH now, new, old, head(collect(r)) AS r
  WITH r, now,
       COLLECT {
         MATCH (new)<-[:STATE_OF]-(s:State)
         WHERE s.recorded_to > now AND s.valid_from <= now AND s.status <> 'deleted'
         RETURN s.memory ORDER BY s.valid_from DESC LIMIT 1
       }[0] AS newer,
       COLLECT {
         MATCH (old)<-[:STATE_OF]-(s:State)
         WHERE s.recorded_to > now AND s.valid_from <= now AND s.status <> 'deleted'
         RETURN s.memory ORDER BY s.valid_from DESC LIMIT 1
       }[0] AS older
  WHERE newer IS NOT NULL AND older IS NOT NULL
  OPTIONAL MATCH (o:Operation {cube_id: $cube, id: r.opened_by})
  RETURN newer, older, r, o, CASE WHEN r.recorded_to > now THEN 'known' ELSE 'taken back' END AS state
}
RETURN newer, older, date(r.valid_from) AS since, r.confidence AS confidence, state,
       o.kind AS by, o.actor AS actor, o.reason AS reason
ORDER BY since, newer;
