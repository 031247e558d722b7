// One cube, unless it is being erased.
MATCH (c:Cube {id: $cube})
WHERE c.erasing IS NULL
RETURN c.id AS id, c.clock.epochSeconds * 1000000 + c.clock.microsecond AS clock, c.embedder AS embedder, c.dimension AS dimension,
       coalesce(c.epoch, 0) AS epoch
