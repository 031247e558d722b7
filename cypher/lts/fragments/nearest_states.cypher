// The states s nearest to $vector, each with its score, (1 + cosine) / 2. Neo4j 5.26 makes no tests inside its
// index, so every state of the cube is compared, in some 10 microseconds each.
MATCH (s:State)
WHERE s.cube_id = $cube AND s.status IN $statuses AND {{holds ROW=s SINCE=t UNTIL="{{UNTIL}}"}}{{FILTER}}
  AND size(s.embedding) = size($vector)
WITH s, vector.similarity.cosine(s.embedding, $vector) AS score ORDER BY score DESC, s.id LIMIT {{LIMIT}}
WITH s, score
