// 09 Why was this merged
// What became part of what, when and why: the memories that left search, and the one that stands for them.
// `state` says whether the link is known or was taken back.
// :param cube => 'demo'
MATCH (c:Cube {id: $cube})
WITH CASE WHEN c.clock > datetime() THEN c.clock ELSE datetime() END AS now
CALL (now) {
  MATCH (kept:Memory)
  WHERE kept.cube_id = $cube AND kept.id > ''
  MATCH (old:Memory)-[r:MERGED_INTO]->(kept)
  WHERE r.valid_from <= now AND r.valid_to > now
  WITH now, kept, old, r ORDER BY r.recorded_from DESC
  WITH now, kept, old, head(collect(r)) AS r
  WITH r, now,
       COLLECT {
         MATCH (kept)<-[:STATE_OF]-(s:State)
         WHERE s.recorded_to > now AND s.valid_from <= now AND s.status <> 'deleted'
         RETURN s.memory ORDER BY s.valid_from DESC LIMIT 1
       }[0] AS stays,
       COLLECT {
         MATCH (old)<-[:STATE_OF]-(s:State)
         WHERE s.recorded_to > now AND s.valid_from <= now AND s.status <> 'deleted'
         RETURN s.memory ORDER BY s.valid_from DESC LIMIT 1
       }[0] AS gone
  WHERE stays IS NOT NULL AND gone IS NOT NULL
  OPTIONAL MATCH (o:Operation {cube_id: $cube, id: r.opened_by})
  RETURN stays, gone, o, CASE WHEN r.recorded_to > now THEN 'known' ELSE 'taken back' END AS state
}
RETURN stays, collect(gone) AS merged, o.recorded_at AS at, state,
       o.kind AS by, o.actor AS actor, o.reason AS reason, o.id AS operation
ORDER BY stays;
