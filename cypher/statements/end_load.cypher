// Show what was loaded into a cube whose lock is held.
MATCH (c:Cube {id: $given.cube})
SET c.clock = $given.clock, c.shown = $given.clock, c.epoch = coalesce(c.epoch, 0) + 1, c.loading = null
