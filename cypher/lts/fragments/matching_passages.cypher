// The states s of the passages whose words match `query` best, each with what its score counts. Neo4j 5.26 has a
// procedure for it.
CALL db.index.fulltext.queryNodes('treemem_text', query, {limit: $given.passage_breadth}) YIELD node AS p, score AS near
MATCH (p)-[:PASSAGE_OF]->(s:State)
WITH t, k, u, s, near * $given.passage_text AS score
