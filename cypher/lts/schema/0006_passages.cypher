// Passages on Neo4j 5.26, whose vector index makes no tests, so that there is none: one index of words over texts and
// their passages, so that a word weighs the same in both.
CREATE INDEX treemem_passage_known IF NOT EXISTS FOR (n:Passage) ON (n.cube_id, n.recorded_to, n.valid_to);
CREATE FULLTEXT INDEX treemem_text IF NOT EXISTS FOR (n:State|Passage) ON EACH [n.tokens, n.scope]
  OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}};
DROP INDEX treemem_state_text IF EXISTS;
