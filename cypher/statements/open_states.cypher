// Open states under their identities, whose cache shows the state written last, and the edges that start at them: to
// entities (MENTIONS), to sources (DERIVED_FROM), to memories (the type is an EdgeType). Times come as
// [seconds, nanoseconds]; an edge without times holds as long as its state, an open end is null.
{{language}}
UNWIND $given.rows AS row
MERGE (m:Memory {cube_id: $given.cube, id: row.id})
CREATE (s:State {cube_id: $given.cube, id: row.id, version: row.version})-[:STATE_OF]->(m)
SET s += row.properties,
    s.valid_from = {{time PAIR=row.valid_from}},
    s.valid_to = {{time_or PAIR=row.valid_to ELSE=$given.end}},
    s.recorded_from = $given.at, s.recorded_to = $given.end, s.opened_by = $given.operation,
    s.created_at = {{time PAIR=row.created_at}},
    s.memory_time = {{time_or PAIR=row.memory_time ELSE=null}}
SET m += row.cache, m.version = row.version, m.valid_from = s.valid_from, m.valid_to = s.valid_to,
    m.recorded_from = $given.at, m.recorded_to = $given.end
SET s:$({{former}})
WITH m, s, row, CASE WHEN s:Former THEN {{gone}} ELSE [] END AS gone
{{relabel}}
WITH m, s, row
CALL db.create.setNodeVectorProperty(s, 'embedding', row.embedding)
{{open_beside EDGES=row.mentions END=Entity TYPE=MENTIONS AT=$given.at OPERATION=$given.operation}}
{{open_beside EDGES=row.sources END=Source TYPE=DERIVED_FROM AT=$given.at OPERATION=$given.operation}}
{{open_beside EDGES=row.links END=Memory TYPE=$(edge[0]) AT=$given.at OPERATION=$given.operation}}
