// Take a cube's lock for this transaction, and read what it is and what goes on with it.
MATCH (c:Cube {id: $cube})
SET c.lock = true
WITH c
RETURN c.id AS id, c.clock.epochSeconds * 1000000 + c.clock.microsecond AS clock, c.embedder AS embedder, c.dimension AS dimension,
       coalesce(c.epoch, 0) AS epoch, c.erasing AS erasing, c.sealed_until AS sealed_until, c.sealed_by AS sealed_by
