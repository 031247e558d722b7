// The states s whose words match `query` best, each with its score, BM25. Neo4j 5.26 has a procedure for it.
CALL db.index.fulltext.queryNodes('treemem_text', query, {limit: $given.text_breadth}) YIELD node AS s, score
WITH s, score, t, k, u
