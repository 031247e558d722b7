-- A cube for an archive, unless it is there. An epoch of its own keeps it apart from what is in memory of a dropped cube
-- that had the number.
INSERT INTO cube (id, clock, epoch, embedder, dimension, loading)
VALUES (:cube, :clock, random() >> 2, :embedder, :dimension, :archive)
ON CONFLICT (id) DO NOTHING
