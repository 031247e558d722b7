// What the tasks of a cube spent on language models on the last day on which they spent anything.
MATCH (c:Cube {id: $given.cube})
WHERE c.spent_day IS NOT NULL
RETURN c.spent_day AS day, c.spent_tokens AS tokens, c.spent_cost AS cost
