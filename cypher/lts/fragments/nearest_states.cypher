// The states s nearest to $vector, each with its score, (1 + cosine) / 2. Neo4j 5.26 makes no tests inside its
// index, so every state of the cube is compared, in some 10 microseconds each.
MATCH (s:State)
WHERE s.cube_id = $given.cube AND s.status IN $given.statuses AND {{holds ROW=s SINCE=t UNTIL="{{UNTIL}}"}}{{FILTER}}
  AND size(s.embedding) = size($given.vector)
WITH s, vector.similarity.cosine(s.embedding, $given.vector) AS score ORDER BY score DESC, s.id LIMIT {{LIMIT}}
WITH s, score
