// Edges of an archive; the type is a value of our enum. Loading twice loads once.
CYPHER 25
UNWIND $rows AS row
MATCH (a:Memory {cube_id: $cube, id: row.source})
WITH row, a
MATCH (b:__TARGET__ {cube_id: $cube, id: row.target})
WITH row, a, b, datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}) AS valid_from,
     datetime({epochSeconds: row.recorded_from[0], nanosecond: row.recorded_from[1]}) AS recorded_from
WHERE NOT EXISTS { (a)-[r]->(b) WHERE type(r) = row.type AND r.valid_from = valid_from
                   AND r.recorded_from = recorded_from AND r.opened_by = row.opened_by }
CREATE (a)-[:$(row.type) {
  weight: row.weight, confidence: row.confidence, tiebreak: row.tiebreak, valid_from: valid_from,
  valid_to: CASE WHEN row.valid_to IS NULL THEN $end
            ELSE datetime({epochSeconds: row.valid_to[0], nanosecond: row.valid_to[1]}) END,
  recorded_from: recorded_from,
  recorded_to: CASE WHEN row.recorded_to IS NULL THEN $end
               ELSE datetime({epochSeconds: row.recorded_to[0], nanosecond: row.recorded_to[1]}) END,
  opened_by: row.opened_by, closed_by: row.closed_by}]->(b)
