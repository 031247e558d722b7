// The first statement of every write: take the cube's lock, move its clock, look the operation and its batch up, and
// read the last versions of the memories it touches.
MERGE (c:Cube {id: $cube})
SET c.lock = true
WITH c
SET c.clock = CASE WHEN c.clock IS NULL OR $now > c.clock THEN $now ELSE c.clock + duration({microseconds: 1}) END,
    c.embedder = coalesce(c.embedder, $embedder),
    c.dimension = coalesce(c.dimension, $dimension)
WITH c
OPTIONAL MATCH (o:Operation {cube_id: $cube, id: $operation})
OPTIONAL MATCH (b:Operation {cube_id: $cube, id: $batch})
WITH c, o, b
CALL (c) {
  UNWIND $ids AS id
  MATCH (m:Memory {cube_id: $cube, id: id})
  RETURN collect([m.id, m.version]) AS versions
}
RETURN c.clock.epochSeconds * 1000000 + c.clock.microsecond AS clock, c.embedder AS embedder,
       c.dimension AS dimension, versions, c.erasing AS erasing, c.sealed_until AS sealed_until,
       o{.*, recorded_at: o.recorded_at.epochSeconds * 1000000 + o.recorded_at.microsecond} AS operation,
       b{.*, recorded_at: b.recorded_at.epochSeconds * 1000000 + b.recorded_at.microsecond} AS batch
