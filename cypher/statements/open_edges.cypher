// Open edges: to entities (MENTIONS), to sources (DERIVED_FROM), between memories (the type is a value of our enum).
// Times come as [seconds, nanoseconds].
CYPHER 25
CALL () {
  UNWIND $to_entities AS row
  MATCH (a:Memory {cube_id: $cube, id: row.source})
  WITH row, a
  MATCH (b:Entity {cube_id: $cube, id: row.target})
  CREATE (a)-[:MENTIONS {
    weight: row.weight, confidence: row.confidence, tiebreak: row.tiebreak,
    valid_from: datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}),
    valid_to: datetime({epochSeconds: row.valid_to[0], nanosecond: row.valid_to[1]}),
    recorded_from: $at, recorded_to: $end, opened_by: $operation}]->(b)
}
CALL () {
  UNWIND $to_sources AS row
  MATCH (a:Memory {cube_id: $cube, id: row.source})
  WITH row, a
  MATCH (b:Source {cube_id: $cube, id: row.target})
  CREATE (a)-[:DERIVED_FROM {
    weight: row.weight, confidence: row.confidence, tiebreak: row.tiebreak,
    valid_from: datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}),
    valid_to: datetime({epochSeconds: row.valid_to[0], nanosecond: row.valid_to[1]}),
    recorded_from: $at, recorded_to: $end, opened_by: $operation}]->(b)
}
CALL () {
  UNWIND $to_memories AS row
  MATCH (a:Memory {cube_id: $cube, id: row.source})
  WITH row, a
  MATCH (b:Memory {cube_id: $cube, id: row.target})
  CREATE (a)-[:$(row.type) {
    weight: row.weight, confidence: row.confidence, tiebreak: row.tiebreak,
    valid_from: datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}),
    valid_to: datetime({epochSeconds: row.valid_to[0], nanosecond: row.valid_to[1]}),
    recorded_from: $at, recorded_to: $end, opened_by: $operation}]->(b)
}
