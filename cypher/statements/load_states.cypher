// States of an archive, in order of version, so that the identity's cache ends at the last; loading twice loads once.
UNWIND $given.rows AS row
MERGE (m:Memory {cube_id: $given.cube, id: row.id})
MERGE (s:State {cube_id: $given.cube, id: row.id, version: row.version})
MERGE (s)-[:STATE_OF]->(m)
SET s += row.properties,
    s.valid_from = {{time PAIR=row.valid_from}},
    s.valid_to = {{time_or PAIR=row.valid_to ELSE=$given.end}},
    s.recorded_from = {{time PAIR=row.recorded_from}},
    s.recorded_to = {{time_or PAIR=row.recorded_to ELSE=$given.end}},
    s.opened_by = row.opened_by, s.closed_by = row.closed_by,
    s.created_at = {{time PAIR=row.created_at}},
    s.memory_time = {{time_or PAIR=row.memory_time ELSE=null}}
SET m += row.cache, m.version = row.version, m.valid_from = s.valid_from, m.valid_to = s.valid_to,
    m.recorded_from = s.recorded_from, m.recorded_to = s.recorded_to
SET s:$({{former}})
WITH m, s, row, CASE WHEN s:Former THEN {{gone}} ELSE [] END AS gone
{{relabel}}
WITH s, row.embedding AS embedding
CALL db.create.setNodeVectorProperty(s, 'embedding', embedding)
