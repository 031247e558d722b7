// The state s that a node n found is, or whose passage it is, and what its score counts for then.
OPTIONAL MATCH (n)-[:PASSAGE_OF]->(whole:State)
WITH t, k, u, coalesce(whole, n) AS s, CASE WHEN whole IS NULL THEN near ELSE near * $given.passage_text END AS score
