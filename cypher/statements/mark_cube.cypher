// Say what goes on with a cube: it is being erased, or nobody but the holder writes to it until a time.
MATCH (c:Cube {id: $given.cube})
SET c.erasing = $given.erasing, c.sealed_until = $given.sealed_until, c.sealed_by = $given.holder
