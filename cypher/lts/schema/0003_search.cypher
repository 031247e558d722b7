// Search on Neo4j 5.26: words as they were made in Python. Its vector index makes no tests, so there is none; once the
// server is newer, opening the store runs the newer file of this name.
CREATE FULLTEXT INDEX treemem_state_text IF NOT EXISTS FOR (n:State) ON EACH [n.tokens, n.scope]
  OPTIONS {indexConfig: {`fulltext.analyzer`: 'whitespace'}};
