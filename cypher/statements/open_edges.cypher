// Open edges between nodes that exist; the type is an EdgeType. Times come as [seconds, nanoseconds], an open
// end as null.
{{language}}
UNWIND $given.rows AS row
MATCH (a:Memory {cube_id: $given.cube, id: row.source})
WITH row, a
MATCH (b:{{TARGET}} {cube_id: $given.cube, id: row.target})
CREATE (a)-[:$(row.type) {
  weight: row.weight, confidence: row.confidence, tiebreak: row.tiebreak, properties: row.properties,
  valid_from: {{time PAIR=row.valid_from}},
  valid_to: {{time_or PAIR=row.valid_to ELSE=$given.end}},
  recorded_from: $given.at, recorded_to: $given.end, opened_by: $given.operation}]->(b)
