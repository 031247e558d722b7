-- The known PARENT edges into these memories, given by number, and into everything above them.
WITH RECURSIVE up(num) AS (
  SELECT value FROM json_each(:nodes)
  UNION
  SELECT p.src FROM up JOIN edge p ON p.dst = up.num AND p.type = 'PARENT' AND p.recorded_to = :end)
SELECT {{edge_columns}}
FROM up CROSS JOIN edge e ON e.dst = up.num AND e.type = 'PARENT' {{ends_and_operations}}
WHERE e.recorded_to = :end
