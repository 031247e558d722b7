// One cube.
MATCH (c:Cube {id: $cube})
RETURN c.id AS id, c.clock AS clock, c.embedder AS embedder, c.dimension AS dimension
