// A cube, read under its lock: every commit before is whole by then, and is shown.
MATCH (c:Cube {id: $given.cube})
WHERE c.erasing IS NULL
SET c.lock = true
WITH c
SET c.shown = c.clock
RETURN {{cube_info}}
