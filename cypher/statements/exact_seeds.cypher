// The nearest states of a cube, every one compared: for filters so selective that the approximate index finds too few.
MATCH (c:Cube {id: $cube})
WITH c.clock AS clock, coalesce($known_at, c.clock) AS k
WITH clock, k, CASE WHEN $valid_at IS NOT NULL THEN $valid_at WHEN $now > clock OR clock > $latest THEN $now ELSE clock END AS at
WITH k, coalesce($since, at) AS t, coalesce($until, at) AS u
MATCH (s:State)
WHERE s.cube_id = $cube AND s.recorded_to > k AND s.valid_to > t AND s.valid_from <= u AND s.recorded_from <= k
  AND s.status IN $statuses AND size(s.embedding) = $dimension/* filter */
WITH s, vector.similarity.cosine(s.embedding, $vector) AS score
ORDER BY score DESC, s.id, s.version LIMIT $vector_limit
RETURN [s.id, s.version, 'vector', score, s.memory_type,
        s.valid_from.epochSeconds * 1000000 + s.valid_from.microsecond,
        s.valid_to.epochSeconds * 1000000 + s.valid_to.microsecond] AS seed
