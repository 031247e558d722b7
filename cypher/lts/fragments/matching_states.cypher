// The states s whose words, or those of a passage, match `query` best, each with its score, BM25. Neo4j 5.26 has a
// procedure for it.
CALL db.index.fulltext.queryNodes('treemem_text', query, {limit: $given.text_breadth}) YIELD node AS n, score AS near
WITH n, near, t, k, u
{{whole_of}}
