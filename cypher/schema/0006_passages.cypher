// Passages: the vectors of parts of long texts, and one index of words over texts and their passages, so that a word
// weighs the same in both.
CYPHER 25 CREATE VECTOR INDEX treemem_passage_embedding IF NOT EXISTS FOR (n:Passage) ON (n.embedding)
  WITH [n.cube_id, n.status, n.memory_type, n.valid_from, n.valid_to, n.recorded_from, n.recorded_to]
  OPTIONS {indexConfig: {`vector.similarity_function`: 'cosine', `vector.quantization.type`: 'NONE',
                         `vector.hnsw.m`: 16, `vector.hnsw.ef_construction`: 100}};
CREATE INDEX treemem_passage_known IF NOT EXISTS FOR (n:Passage) ON (n.cube_id, n.recorded_to, n.valid_to);
CREATE FULLTEXT INDEX treemem_text IF NOT EXISTS FOR (n:State|Passage) ON EACH [n.tokens, n.scope]
  OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}};
DROP INDEX treemem_state_text IF EXISTS;
