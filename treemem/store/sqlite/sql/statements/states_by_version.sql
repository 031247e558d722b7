-- The states with these keys, in the order of the keys.
SELECT {{state_columns EMBEDDING="CASE WHEN :vectors THEN s.embedding END"}}
FROM json_each(:ids) j CROSS JOIN node n ON n.cube = :cube AND n.kind = 'memory' AND n.id = j.value ->> 0
CROSS JOIN state s ON s.node = n.num AND s.version = j.value ->> 1 {{by_operations ROW=s}}
ORDER BY j.key
