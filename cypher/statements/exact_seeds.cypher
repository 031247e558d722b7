// The nearest states of a cube, every one compared: for filters so selective that the approximate index finds too few.
{{span}}
MATCH (s:State)
WHERE s.cube_id = $given.cube AND {{holds ROW=s SINCE=t UNTIL=u}}
  AND s.status IN $given.statuses AND size(s.embedding) = $given.dimension{{FILTER}}
WITH s, reduce(best = vector.similarity.cosine(s.embedding, $given.vector), near IN COLLECT {
  MATCH (s)<-[:PASSAGE_OF]-(p:Passage) WHERE p.embedding IS NOT NULL
  RETURN vector.similarity.cosine(p.embedding, $given.vector) - $given.passage_vector
} | CASE WHEN near > best THEN near ELSE best END) AS score
ORDER BY score DESC, s.id, s.version LIMIT $given.vector_limit
RETURN [s.id, s.version, 'vector', score, s.memory_type,
        {{micros TIME=s.valid_from}}, {{micros TIME=s.valid_to}}] AS seed
