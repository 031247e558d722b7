// Open states under their identities, whose cache shows the state written last. Times come as [seconds, nanoseconds].
UNWIND $rows AS row
MERGE (m:Memory {cube_id: $cube, id: row.id})
CREATE (s:State {cube_id: $cube, id: row.id, version: row.version})-[:STATE_OF]->(m)
SET s += row.properties,
    s.valid_from = datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}),
    s.valid_to = datetime({epochSeconds: row.valid_to[0], nanosecond: row.valid_to[1]}),
    s.recorded_from = $at, s.recorded_to = $end, s.opened_by = $operation,
    s.created_at = datetime({epochSeconds: row.created_at[0], nanosecond: row.created_at[1]}),
    s.memory_time = CASE WHEN row.memory_time IS NULL THEN null
                    ELSE datetime({epochSeconds: row.memory_time[0], nanosecond: row.memory_time[1]}) END
SET m += row.cache, m.version = row.version, m.valid_from = s.valid_from, m.valid_to = s.valid_to,
    m.recorded_from = $at, m.recorded_to = $end
WITH s, row.embedding AS embedding
CALL db.create.setNodeVectorProperty(s, 'embedding', embedding)
