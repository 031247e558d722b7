// The states s nearest to $vector, each with its score, (1 + cosine) / 2: all tests are made inside the index.
MATCH (s:State) SEARCH s IN (VECTOR INDEX treemem_state_embedding FOR $vector
  WHERE s.cube_id = $cube AND s.status IN $statuses AND {{holds ROW=s SINCE=t UNTIL="{{UNTIL}}"}}{{FILTER}}
  LIMIT {{LIMIT}}) SCORE AS score
