// Take the cube's lock, move its clock, look the operation up. The first statement of every write.
MERGE (c:Cube {id: $cube})
SET c.lock = true
WITH c
SET c.clock = CASE WHEN c.clock IS NULL OR $now > c.clock THEN $now ELSE c.clock + duration({microseconds: 1}) END,
    c.embedder = coalesce(c.embedder, $embedder),
    c.dimension = coalesce(c.dimension, $dimension)
WITH c
OPTIONAL MATCH (o:Operation {cube_id: $cube, id: $operation})
RETURN c.clock.epochSeconds * 1000000 + c.clock.microsecond AS clock, c.embedder AS embedder, c.dimension AS dimension, o{.*, recorded_at: o.recorded_at.epochSeconds * 1000000 + o.recorded_at.microsecond} AS operation
