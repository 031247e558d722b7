// The states s nearest to $vector, each with its score, (1 + cosine) / 2: all tests are made inside the index.
MATCH (s:State) SEARCH s IN (VECTOR INDEX treemem_state_embedding FOR $given.vector
  WHERE s.cube_id = $given.cube AND s.status IN $given.statuses AND {{holds ROW=s SINCE=t UNTIL="{{UNTIL}}"}}{{FILTER}}
  LIMIT {{LIMIT}}) SCORE AS score
