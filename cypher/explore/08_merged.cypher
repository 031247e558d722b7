// What became part of what, when and why: the memories that left search, and the one that stands for them.
// :param cube => 'demo'
MATCH (kept:Memory)
WHERE kept.cube_id = $cube
MATCH (old:Memory)-[r:MERGED_INTO]->(kept)
OPTIONAL MATCH (o:Operation {cube_id: $cube, id: r.opened_by})
RETURN kept.memory AS stays, collect(old.memory) AS merged,
       CASE WHEN r.recorded_to.year = 9999 THEN 'known' ELSE 'taken back' END AS state,
       o.kind AS by, o.actor AS actor, o.reason AS reason, o.id AS operation
ORDER BY stays;
