// Close edges known now. Times come as [seconds, nanoseconds].
UNWIND $rows AS row
MATCH (a:Memory {cube_id: $cube, id: row.source})
WITH row, a
MATCH (b:__TARGET__ {cube_id: $cube, id: row.target})
MATCH (a)-[r]->(b)
WHERE type(r) = row.type AND r.recorded_to = $end
  AND r.valid_from = datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]})
SET r.recorded_to = $at, r.closed_by = $operation
