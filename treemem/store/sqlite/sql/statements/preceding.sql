-- The states, at a moment, of the messages that these memories follow, the one of the strongest edge last.
SELECT f.id, {{state_columns EMBEDDING=NULL}}
FROM {{these_memories NODE=f}} CROSS JOIN edge e ON e.src = f.num AND e.type = 'FOLLOWS'
CROSS JOIN node n ON n.num = e.dst CROSS JOIN state s ON s.node = n.num {{by_operations ROW=s}}
WHERE {{holds ROW=e UNTIL=:t}} AND {{holds ROW=s UNTIL=:t}} AND s.status IN {{listed NAME=statuses}}
ORDER BY e.weight, e.tiebreak DESC
