// Neo4j 5.26 knows Cypher 5 alone, which needs no word for it.
