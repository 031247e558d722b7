// The states s of the passages nearest to $vector, each with its score. Neo4j 5.26 makes no tests inside its index, so
// every passage of the cube is compared.
MATCH (s:Passage)
WHERE s.cube_id = $given.cube AND s.status IN $given.statuses AND {{holds ROW=s SINCE=t UNTIL="{{UNTIL}}"}}{{FILTER}}
  AND size(s.embedding) = size($given.vector)
WITH t, k, u, s, vector.similarity.cosine(s.embedding, $given.vector) AS near ORDER BY near DESC, s.id LIMIT {{LIMIT}}
MATCH (s)-[:PASSAGE_OF]->(whole:State)
WITH t, k, u, whole AS s, near - $given.passage_vector AS score
