// Close edges known now. Times come as [seconds, nanoseconds].
UNWIND $rows AS row
MATCH (a:Memory {cube_id: $cube, id: row.source})
WITH row, a
MATCH (b:{{TARGET}} {cube_id: $cube, id: row.target})
MATCH (a)-[r]->(b)
WHERE type(r) = row.type AND r.recorded_to = $end
  AND r.valid_from = {{time PAIR=row.valid_from}}
SET r.recorded_to = $at, r.closed_by = $operation
