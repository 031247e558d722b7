// Close edges known now.
UNWIND $rows AS row
MATCH (a:Memory {cube_id: $cube, id: row.source})
MATCH (b:__TARGET__ {cube_id: $cube, id: row.target})
MATCH (a)-[r]->(b)
WHERE type(r) = row.type AND r.valid_from = row.valid_from AND r.recorded_to = $end
SET r.recorded_to = $at, r.closed_by = $operation
