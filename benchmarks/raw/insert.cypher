// The rows of one batch, prepared beforehand, in one statement: the least a client can do for the same graph.
UNWIND $rows AS row
CREATE (m:Memory {cube_id: $cube, id: row.id})
CREATE (s:State {cube_id: $cube, id: row.id, version: 1})-[:STATE_OF]->(m)
SET s += row.properties,
    s.valid_from = datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}),
    s.valid_to = $end, s.recorded_from = $at, s.recorded_to = $end, s.opened_by = 'raw', s.created_at = s.valid_from
SET m += row.cache, m.version = 1, m.valid_from = s.valid_from, m.valid_to = $end, m.recorded_from = $at,
    m.recorded_to = $end
MERGE (o:Source {cube_id: $cube, id: row.source.id})
SET o += row.source.properties, o.chat_time = s.valid_from
CREATE (m)-[:DERIVED_FROM {weight: 1.0, confidence: 100.0, tiebreak: 1, valid_from: s.valid_from, valid_to: $end,
                           recorded_from: $at, recorded_to: $end, opened_by: 'raw'}]->(o)
WITH m, s, row
CALL db.create.setNodeVectorProperty(s, 'embedding', row.embedding)
CALL (m, s, row) {
  UNWIND row.entities AS e
  MERGE (n:Entity {cube_id: $cube, id: e.id})
  ON CREATE SET n.name = e.name, n.kind = e.kind
  CREATE (m)-[:MENTIONS {weight: 1.0, confidence: 100.0, tiebreak: 1, valid_from: s.valid_from, valid_to: $end,
                         recorded_from: $at, recorded_to: $end, opened_by: 'raw'}]->(n)
}
CALL (m, s, row) {
  UNWIND row.before AS before
  MATCH (b:Memory {cube_id: $cube, id: before})
  CREATE (m)-[:FOLLOWS {weight: 0.7, confidence: 100.0, tiebreak: 1, valid_from: s.valid_from, valid_to: $end,
                        recorded_from: $at, recorded_to: $end, opened_by: 'raw'}]->(b)
}
