// Show readers what was written up to a time.
MATCH (c:Cube {id: $given.cube})
SET c.lock = true
WITH c
WHERE c.shown < $given.at AND $given.at <= c.clock
SET c.shown = $given.at
