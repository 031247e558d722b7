// Take a cube's lock for this transaction, show what was committed before, and read what it is and what goes on
// with it.
MATCH (c:Cube {id: $given.cube})
SET c.lock = true
WITH c
SET c.shown = c.clock
WITH c
RETURN {{cube_info}}, c.erasing AS erasing, c.sealed_until AS sealed_until, c.sealed_by AS sealed_by
