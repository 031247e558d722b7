// A cube, read under its lock: every commit before is whole by then.
MATCH (c:Cube {id: $cube})
WHERE c.erasing IS NULL
SET c.lock = true
RETURN c.id AS id, c.clock.epochSeconds * 1000000 + c.clock.microsecond AS clock, c.embedder AS embedder, c.dimension AS dimension,
       coalesce(c.epoch, 0) AS epoch
