// Open edges. Times come as [seconds, nanoseconds].
UNWIND $rows AS row
MATCH (a:Memory {cube_id: $cube, id: row.source})
MATCH (b:__TARGET__ {cube_id: $cube, id: row.target})
CREATE (a)-[r:__TYPE__ {
  weight: row.weight, confidence: row.confidence, tiebreak: row.tiebreak,
  valid_from: datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}),
  valid_to: datetime({epochSeconds: row.valid_to[0], nanosecond: row.valid_to[1]}),
  recorded_from: $at, recorded_to: $end, opened_by: $operation}]->(b)
