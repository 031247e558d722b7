-- The states of these memories that hold at a moment, in the order of the ids.
SELECT {{state_columns EMBEDDING="CASE WHEN :vectors THEN s.embedding END"}}
FROM {{these_memories NODE=n}} CROSS JOIN state s ON s.node = n.num {{by_operations ROW=s}}
WHERE {{holds ROW=s UNTIL=:t}} AND {{allowed VALUE=s.status NAME=statuses}}
ORDER BY j.key
