// The states s whose words, or those of a passage, match `query` best, each with its score, BM25. t, k and u stay in
// scope.
MATCH (n:State|Passage) SEARCH n IN (FULLTEXT INDEX treemem_text FOR query LIMIT $given.text_breadth) SCORE AS near
{{whole_of}}
