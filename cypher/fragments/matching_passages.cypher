// The states s of the passages whose words match `query` best, each with what its score counts. t, k, u stay in scope.
MATCH (p:Passage) SEARCH p IN (FULLTEXT INDEX treemem_text FOR query LIMIT $given.passage_breadth) SCORE AS near
MATCH (p)-[:PASSAGE_OF]->(s:State)
WITH t, k, u, s, near * $given.passage_text AS score
