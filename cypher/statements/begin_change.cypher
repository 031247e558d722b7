// The first statement of every write: take the cube's lock, move its clock without showing the new time, look the
// operation and its batch up, and read the last versions of the memories it touches.
MERGE (c:Cube {id: $given.cube})
SET c.lock = true
WITH c
SET c.shown = coalesce(c.clock, $given.now - duration({microseconds: 1}))
WITH c
SET c.clock = CASE WHEN c.clock IS NULL OR $given.now > c.clock THEN $given.now ELSE c.clock + duration({microseconds: 1}) END,
    c.embedder = coalesce(c.embedder, $given.embedder),
    c.dimension = coalesce(c.dimension, $given.dimension)
WITH c
OPTIONAL MATCH (o:Operation {cube_id: $given.cube, id: $given.operation})
OPTIONAL MATCH (b:Operation {cube_id: $given.cube, id: $given.batch})
WITH c, o, b
CALL (c) {
  UNWIND $given.ids AS id
  MATCH (m:Memory {cube_id: $given.cube, id: id})
  RETURN collect([m.id, m.version]) AS versions
}
RETURN {{micros TIME=c.clock}} AS clock, c.loading AS loading, c.embedder AS embedder,
       c.dimension AS dimension, versions, c.erasing AS erasing, c.sealed_until AS sealed_until,
       {{operation ROW=o}} AS operation,
       {{operation ROW=b}} AS batch
