// A cube for an archive, unless it is there, and which archive is being loaded into it.
MERGE (c:Cube {id: $given.cube})
ON CREATE SET c.clock = $given.clock, c.shown = $given.clock, c.embedder = $given.embedder,
              c.dimension = $given.dimension, c.epoch = 1, c.loading = $given.archive
SET c.lock = true
RETURN c.loading AS loading
