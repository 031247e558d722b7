// Open edges between nodes that exist; the type is a value of our enum. Times come as [seconds, nanoseconds], an open
// end as null.
CYPHER 25
UNWIND $rows AS row
MATCH (a:Memory {cube_id: $cube, id: row.source})
WITH row, a
MATCH (b:__TARGET__ {cube_id: $cube, id: row.target})
CREATE (a)-[:$(row.type) {
  weight: row.weight, confidence: row.confidence, tiebreak: row.tiebreak,
  valid_from: datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}),
  valid_to: CASE WHEN row.valid_to IS NULL THEN $end
            ELSE datetime({epochSeconds: row.valid_to[0], nanosecond: row.valid_to[1]}) END,
  recorded_from: $at, recorded_to: $end, opened_by: $operation}]->(b)
