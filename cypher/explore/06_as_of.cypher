// The graph as of a date, as it is known now: what held then, with the edges that held then.
// :param cube => 'demo'
// :param as_of => datetime('2025-03-01')
MATCH (s:State)
WHERE s.cube_id = $cube AND s.status = 'activated' AND s.valid_from <= $as_of AND s.valid_to > $as_of
  AND s.recorded_to > datetime()
MATCH (s)-[:STATE_OF]->(m:Memory)
OPTIONAL MATCH (m)-[r:PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MERGED_INTO|MENTIONS]->(other)
WHERE r.valid_from <= $as_of AND r.valid_to > $as_of AND r.recorded_to > datetime()
RETURN s, m, r, other
LIMIT 500;
