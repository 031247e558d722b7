// The known PARENT edges into these memories and into everything above them.
UNWIND $given.ids AS id
MATCH (m:Memory {cube_id: $given.cube, id: id})
MATCH (m)<-[path:PARENT*1..]-(:Memory)
WHERE all(p IN path WHERE p.recorded_to = $given.end)
UNWIND path AS r
WITH DISTINCT r
RETURN startNode(r).id AS source, endNode(r).id AS target, {{edge}} AS edge
