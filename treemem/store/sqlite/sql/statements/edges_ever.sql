-- Every edge ever recorded that begins, or that ends, at these memories.
SELECT {{edge_columns}}
FROM {{these_memories NODE=m}} CROSS JOIN edge e ON e.{{END}} = m.num {{ends_and_operations}}
WHERE {{allowed VALUE=e.type NAME=types}}
