// A cube, read under its lock: every commit before is whole by then.
MATCH (c:Cube {id: $given.cube})
WHERE c.erasing IS NULL
SET c.lock = true
RETURN {{cube_info}}
