// The known PARENT edges into these memories and into everything above them.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
MATCH (m)<-[path:PARENT*1..]-(:Memory)
WHERE all(p IN path WHERE p.recorded_to = $end)
UNWIND path AS r
WITH DISTINCT r
RETURN startNode(r).id AS source, endNode(r).id AS target, {{edge}} AS edge
