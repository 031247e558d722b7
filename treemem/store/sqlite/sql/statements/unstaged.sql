-- The next states of a cube that have no staged vector of this model yet.
SELECT s.num, n.id, s.version, s.fields ->> '$.key', s.fields ->> '$.memory',
  length(s.tokens) - length(replace(s.tokens, char(10), ''))
FROM state s JOIN node n ON n.num = s.node LEFT JOIN staged g ON g.state = s.num AND g.embedder = :embedder
WHERE s.cube = {{cube_number}} AND s.num > :after AND g.state IS NULL
ORDER BY s.num LIMIT :limit
