-- Edges that begin, or that end, at these memories and hold at a moment, and whose ends hold too unless :statuses is NULL.
SELECT {{edge_columns}}
FROM {{these_memories NODE=m}} CROSS JOIN edge e ON e.{{END}} = m.num {{ends_and_operations}}
WHERE {{holds ROW=e UNTIL=:t}} AND {{allowed VALUE=e.type NAME=types}}
  AND (:statuses IS NULL OR ({{alive NODE=a END=src}} AND {{alive NODE=b END=dst}}))
