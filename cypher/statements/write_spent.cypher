// Say what the tasks of a cube spent.
MATCH (c:Cube {id: $given.cube})
SET c.spent_day = $given.day, c.spent_tokens = $given.tokens, c.spent_cost = $given.cost
