// Take a cube's lock, and read what its tasks spent.
MATCH (c:Cube {id: $given.cube})
WHERE c.erasing IS NULL
SET c.lock = true
WITH c
RETURN c.spent_day AS day, c.spent_tokens AS tokens, c.spent_cost AS cost
