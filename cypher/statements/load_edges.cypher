// Edges of an archive; the type is an EdgeType. Loading twice loads once.
{{language}}
UNWIND $given.rows AS row
MATCH (a:Memory {cube_id: $given.cube, id: row.source})
WITH row, a
MATCH (b:{{TARGET}} {cube_id: $given.cube, id: row.target})
WITH row, a, b, {{time PAIR=row.valid_from}} AS valid_from,
     {{time PAIR=row.recorded_from}} AS recorded_from
WHERE NOT EXISTS { (a)-[r]->(b) WHERE type(r) = row.type AND r.valid_from = valid_from
                   AND r.recorded_from = recorded_from AND r.opened_by = row.opened_by }
CREATE (a)-[:$(row.type) {
  weight: row.weight, confidence: row.confidence, tiebreak: row.tiebreak, properties: row.properties,
  valid_from: valid_from,
  valid_to: {{time_or PAIR=row.valid_to ELSE=$given.end}},
  recorded_from: recorded_from,
  recorded_to: {{time_or PAIR=row.recorded_to ELSE=$given.end}},
  opened_by: row.opened_by, closed_by: row.closed_by}]->(b)
