// The passages of states that were just written; writing them twice writes them once.
{{language}}
UNWIND $given.rows AS row
MATCH (s:State {cube_id: $given.cube, id: row.id, version: row.version})
MERGE (s)<-[:PASSAGE_OF]-(p:Passage {number: row.number})
SET p += s{.cube_id, .id, .version, .status, .memory_type, .valid_from, .valid_to, .recorded_from, .recorded_to},
    p.tokens = row.tokens, p.scope = {{passage_scope}}
WITH p, row WHERE row.embedding IS NOT NULL
CALL db.create.setNodeVectorProperty(p, 'embedding', row.embedding)
