// A state s as a map: every property, times in microseconds, and where VECTORS is true its vector and its passages,
// each as [words, vector].
s{.*, embedding: CASE WHEN {{VECTORS}} THEN s.embedding END,
  passages: COLLECT { MATCH (s)<-[:PASSAGE_OF]-(p:Passage) WHERE {{VECTORS}} RETURN [p.tokens, p.embedding] ORDER BY p.number },
  {{times ROW=s}},
  created_at: {{micros TIME=s.created_at}}, memory_time: {{micros TIME=s.memory_time}}}
