// A cube that gets rows of an archive beside its own: its clock, if that is later, and its model, if it has none.
MATCH (c:Cube {id: $given.cube})
SET c.clock = CASE WHEN c.clock > $given.clock THEN c.clock ELSE $given.clock END,
    c.embedder = coalesce(c.embedder, $given.embedder), c.dimension = coalesce(c.dimension, $given.dimension),
    c.epoch = coalesce(c.epoch, 0) + 1
WITH c
SET c.shown = c.clock
