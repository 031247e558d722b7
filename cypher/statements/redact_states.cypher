// Give states other content in place, whatever they said before, and their memories its caption; their passages go.
UNWIND $given.rows AS row
MATCH (m:Memory {cube_id: $given.cube, id: row.id})<-[:STATE_OF]-(s:State {version: row.version})
WITH row, m, s, s{.cube_id, .id, .version, .valid_from, .valid_to, .recorded_from, .recorded_to, .opened_by, .closed_by,
                  .created_at, .memory_time} AS kept
SET s = row.properties, m.caption = row.caption
SET s += kept
WITH s, row
CALL (s) { MATCH (s)<-[:PASSAGE_OF]-(p:Passage) DETACH DELETE p }
CALL db.create.setNodeVectorProperty(s, 'embedding', row.embedding)
