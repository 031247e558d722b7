// Open states under their identities, whose cache shows the state written last, and the edges that start at them: to
// entities (MENTIONS), to sources (DERIVED_FROM), to memories (the type is a value of our enum). Times come as
// [seconds, nanoseconds]; an edge without times holds as long as its state, an open end is null.
CYPHER 25
UNWIND $rows AS row
MERGE (m:Memory {cube_id: $cube, id: row.id})
CREATE (s:State {cube_id: $cube, id: row.id, version: row.version})-[:STATE_OF]->(m)
SET s += row.properties,
    s.valid_from = datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}),
    s.valid_to = CASE WHEN row.valid_to IS NULL THEN $end
                 ELSE datetime({epochSeconds: row.valid_to[0], nanosecond: row.valid_to[1]}) END,
    s.recorded_from = $at, s.recorded_to = $end, s.opened_by = $operation,
    s.created_at = datetime({epochSeconds: row.created_at[0], nanosecond: row.created_at[1]}),
    s.memory_time = CASE WHEN row.memory_time IS NULL THEN null
                    ELSE datetime({epochSeconds: row.memory_time[0], nanosecond: row.memory_time[1]}) END
SET m += row.cache, m.version = row.version, m.valid_from = s.valid_from, m.valid_to = s.valid_to,
    m.recorded_from = $at, m.recorded_to = $end
WITH m, s, row
CALL db.create.setNodeVectorProperty(s, 'embedding', row.embedding)
CALL (m, s, row) {
  UNWIND row.mentions AS edge
  MATCH (b:Entity {cube_id: $cube, id: edge[1]})
  CREATE (m)-[:MENTIONS {
    weight: edge[2], confidence: edge[3], tiebreak: edge[4], recorded_from: $at, recorded_to: $end,
    opened_by: $operation,
    valid_from: CASE WHEN edge[5] IS NULL THEN s.valid_from
                ELSE datetime({epochSeconds: edge[5][0], nanosecond: edge[5][1]}) END,
    valid_to: CASE WHEN edge[5] IS NULL THEN s.valid_to WHEN edge[6] IS NULL THEN $end
              ELSE datetime({epochSeconds: edge[6][0], nanosecond: edge[6][1]}) END}]->(b)
}
CALL (m, s, row) {
  UNWIND row.sources AS edge
  MATCH (b:Source {cube_id: $cube, id: edge[1]})
  CREATE (m)-[:DERIVED_FROM {
    weight: edge[2], confidence: edge[3], tiebreak: edge[4], recorded_from: $at, recorded_to: $end,
    opened_by: $operation,
    valid_from: CASE WHEN edge[5] IS NULL THEN s.valid_from
                ELSE datetime({epochSeconds: edge[5][0], nanosecond: edge[5][1]}) END,
    valid_to: CASE WHEN edge[5] IS NULL THEN s.valid_to WHEN edge[6] IS NULL THEN $end
              ELSE datetime({epochSeconds: edge[6][0], nanosecond: edge[6][1]}) END}]->(b)
}
CALL (m, s, row) {
  UNWIND row.links AS edge
  MATCH (b:Memory {cube_id: $cube, id: edge[1]})
  CREATE (m)-[:$(edge[0]) {
    weight: edge[2], confidence: edge[3], tiebreak: edge[4], recorded_from: $at, recorded_to: $end,
    opened_by: $operation,
    valid_from: CASE WHEN edge[5] IS NULL THEN s.valid_from
                ELSE datetime({epochSeconds: edge[5][0], nanosecond: edge[5][1]}) END,
    valid_to: CASE WHEN edge[5] IS NULL THEN s.valid_to WHEN edge[6] IS NULL THEN $end
              ELSE datetime({epochSeconds: edge[6][0], nanosecond: edge[6][1]}) END}]->(b)
}
