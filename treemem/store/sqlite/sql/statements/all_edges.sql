-- Every edge ever recorded from the next memories of a cube.
SELECT {{edge_columns}}
FROM (SELECT num FROM node WHERE cube = :cube AND kind = 'memory' AND id > :after ORDER BY id LIMIT :limit) m
CROSS JOIN edge e ON e.src = m.num {{ends_and_operations}}
