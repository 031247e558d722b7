// Every cube, without those being erased.
MATCH (c:Cube)
WHERE c.id > '' AND c.erasing IS NULL
RETURN c.id AS id, c.clock.epochSeconds * 1000000 + c.clock.microsecond AS clock, c.embedder AS embedder, c.dimension AS dimension,
       coalesce(c.epoch, 0) AS epoch
ORDER BY id
