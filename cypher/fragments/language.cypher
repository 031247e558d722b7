// The version of Cypher in which SEARCH, and types of relationships as parameters, are known. Neo4j 5.26 has no such
// word.
CYPHER 25
