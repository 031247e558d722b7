// Every cube.
MATCH (c:Cube)
WHERE c.id > ''
RETURN c.id AS id, c.clock.epochSeconds * 1000000 + c.clock.microsecond AS clock, c.embedder AS embedder, c.dimension AS dimension
ORDER BY id
