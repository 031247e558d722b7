// Close edges known now. Times come as [seconds, nanoseconds].
UNWIND $given.rows AS row
MATCH (a:Memory {cube_id: $given.cube, id: row.source})
WITH row, a
MATCH (b:{{TARGET}} {cube_id: $given.cube, id: row.target})
MATCH (a)-[r]->(b)
WHERE type(r) = row.type AND r.recorded_to = $given.end
  AND r.valid_from = {{time PAIR=row.valid_from}}
SET r.recorded_to = $given.at, r.closed_by = $given.operation
