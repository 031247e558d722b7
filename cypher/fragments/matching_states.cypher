// The states s whose words match `query` best, each with its score, BM25. t, k and u stay in scope.
MATCH (s:State) SEARCH s IN (FULLTEXT INDEX treemem_text FOR query LIMIT $given.text_breadth) SCORE AS score
