// Open edges between nodes that exist; the type is a value of our enum. Times come as [seconds, nanoseconds], an open
// end as null.
{{language}}
UNWIND $rows AS row
MATCH (a:Memory {cube_id: $cube, id: row.source})
WITH row, a
MATCH (b:{{TARGET}} {cube_id: $cube, id: row.target})
CREATE (a)-[:$(row.type) {
  weight: row.weight, confidence: row.confidence, tiebreak: row.tiebreak,
  valid_from: {{time PAIR=row.valid_from}},
  valid_to: {{time_or PAIR=row.valid_to ELSE=$end}},
  recorded_from: $at, recorded_to: $end, opened_by: $operation}]->(b)
