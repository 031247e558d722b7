// Search: vectors without quantisation (the default finds half of the true top ten) and without a fixed dimension,
// so that cubes with other models can live side by side; words as they were made in Python.
CYPHER 25 CREATE VECTOR INDEX treemem_state_embedding IF NOT EXISTS FOR (n:State) ON (n.embedding)
  WITH [n.cube_id, n.status, n.memory_type, n.valid_from, n.valid_to, n.recorded_from, n.recorded_to]
  OPTIONS {indexConfig: {`vector.similarity_function`: 'cosine', `vector.quantization.type`: 'NONE',
                         `vector.hnsw.m`: 16, `vector.hnsw.ef_construction`: 100}};
CREATE FULLTEXT INDEX treemem_state_text IF NOT EXISTS FOR (n:State) ON EACH [n.tokens, n.scope]
  OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}};
