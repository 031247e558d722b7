// The known PARENT edges into these memories and into everything above them.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
MATCH (m)<-[path:PARENT*1..]-(:Memory)
WHERE all(p IN path WHERE p.recorded_to = $end)
UNWIND path AS r
WITH DISTINCT r
RETURN startNode(r).id AS source, endNode(r).id AS target, r{.*, valid_from: r.valid_from.epochSeconds * 1000000 + r.valid_from.microsecond,
      valid_to: r.valid_to.epochSeconds * 1000000 + r.valid_to.microsecond,
      recorded_from: r.recorded_from.epochSeconds * 1000000 + r.recorded_from.microsecond,
      recorded_to: r.recorded_to.epochSeconds * 1000000 + r.recorded_to.microsecond} AS edge
