-- Every state of these memories; with :known_at only those known then.
SELECT {{state_columns EMBEDDING=s.embedding}}
FROM {{these_memories NODE=n}} CROSS JOIN state s ON s.node = n.num {{by_operations ROW=s}}
WHERE :known_at IS NULL OR (s.recorded_from <= :known_at AND s.recorded_to > :known_at)
ORDER BY n.id, s.version
