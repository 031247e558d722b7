-- One of these memories of which a state, or an edge along which words travel, was recorded or closed after a time.
SELECT m.id FROM {{these_memories NODE=m}}
WHERE EXISTS (SELECT 1 FROM state s WHERE s.node = m.num AND {{newer ROW=s}})
   OR EXISTS (SELECT 1 FROM edge e WHERE e.src = m.num AND e.type IN {{listed NAME=types}} AND {{newer ROW=e}})
   OR EXISTS (SELECT 1 FROM edge e WHERE e.dst = m.num AND e.type IN {{listed NAME=types}} AND {{newer ROW=e}})
LIMIT 1
