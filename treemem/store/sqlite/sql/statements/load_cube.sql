-- The cube of an archive: its clock, if it is later, and its model. An epoch of its own keeps a new one apart from what
-- is in memory of a dropped cube that had the number.
INSERT INTO cube (id, clock, epoch, embedder, dimension) VALUES (?, ?, random() >> 2, ?, ?)
ON CONFLICT (id) DO UPDATE SET clock = max(clock, excluded.clock), embedder = excluded.embedder,
  dimension = excluded.dimension, epoch = epoch + 1
RETURNING num
