// The states s of the passages nearest to $vector, each with its score; every test is made inside the index.
MATCH (s:Passage) SEARCH s IN (VECTOR INDEX treemem_passage_embedding FOR $given.vector
  WHERE s.cube_id = $given.cube AND s.status IN $given.statuses AND {{holds ROW=s SINCE=t UNTIL="{{UNTIL}}"}}{{FILTER}}
  LIMIT {{LIMIT}}) SCORE AS near
MATCH (s)-[:PASSAGE_OF]->(whole:State)
WITH t, k, u, whole AS s, near - $given.passage_vector AS score
