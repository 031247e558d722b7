// Say what goes on with a cube: it is being erased, or nobody but the holder writes to it until a time.
MATCH (c:Cube {id: $cube})
SET c.erasing = $erasing, c.sealed_until = $sealed_until, c.sealed_by = $holder
