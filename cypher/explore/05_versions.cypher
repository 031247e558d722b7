// 05 Versions: one memory with all its states, and where they come from
// The grey ones are former states: they were replaced or taken back, or had ended. 06 tells when and why.
// :param cube => 'demo'
// :param id => 'mara-home'
MATCH (m:Memory {cube_id: $cube, id: $id})<-[of:STATE_OF]-(s:State)
OPTIONAL MATCH (m)-[from:DERIVED_FROM]->(source)
RETURN m, of, s, from, source
ORDER BY s.version;
