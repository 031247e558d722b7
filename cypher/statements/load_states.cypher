// States of an archive, in order of version, so that the identity's cache ends at the last; loading twice loads once.
UNWIND $rows AS row
MERGE (m:Memory {cube_id: $cube, id: row.id})
MERGE (s:State {cube_id: $cube, id: row.id, version: row.version})
MERGE (s)-[:STATE_OF]->(m)
SET s += row.properties,
    s.valid_from = datetime({epochSeconds: row.valid_from[0], nanosecond: row.valid_from[1]}),
    s.valid_to = CASE WHEN row.valid_to IS NULL THEN $end
                 ELSE datetime({epochSeconds: row.valid_to[0], nanosecond: row.valid_to[1]}) END,
    s.recorded_from = datetime({epochSeconds: row.recorded_from[0], nanosecond: row.recorded_from[1]}),
    s.recorded_to = CASE WHEN row.recorded_to IS NULL THEN $end
                    ELSE datetime({epochSeconds: row.recorded_to[0], nanosecond: row.recorded_to[1]}) END,
    s.opened_by = row.opened_by, s.closed_by = row.closed_by,
    s.created_at = datetime({epochSeconds: row.created_at[0], nanosecond: row.created_at[1]}),
    s.memory_time = CASE WHEN row.memory_time IS NULL THEN null
                    ELSE datetime({epochSeconds: row.memory_time[0], nanosecond: row.memory_time[1]}) END
SET m += row.cache, m.version = row.version, m.valid_from = s.valid_from, m.valid_to = s.valid_to,
    m.recorded_from = s.recorded_from, m.recorded_to = s.recorded_to
WITH s, row.embedding AS embedding
CALL db.create.setNodeVectorProperty(s, 'embedding', embedding)
