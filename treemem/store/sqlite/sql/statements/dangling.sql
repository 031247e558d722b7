-- Rows that hang in the air: what is wrong with each, and its number.
SELECT 'a state without its memory', s.num
FROM state s LEFT JOIN node n ON n.num = s.node AND n.cube = s.cube AND n.kind = 'memory'
WHERE s.cube = :cube AND n.num IS NULL
UNION ALL
SELECT 'a state without the operation that opened it', s.num
FROM state s LEFT JOIN operation o ON o.num = s.opened_by AND o.cube = s.cube
WHERE s.cube = :cube AND o.num IS NULL
UNION ALL
SELECT 'a state closed without an operation', num
FROM state WHERE cube = :cube AND recorded_to < :end AND closed_by IS NULL
UNION ALL
SELECT 'an edge with an end missing or in another cube', e.num
FROM edge e LEFT JOIN node a ON a.num = e.src AND a.cube = e.cube LEFT JOIN node b ON b.num = e.dst AND b.cube = e.cube
WHERE e.cube = :cube AND (a.num IS NULL OR b.num IS NULL)
UNION ALL
SELECT 'an edge without the operation that opened it', e.num
FROM edge e LEFT JOIN operation o ON o.num = e.opened_by AND o.cube = e.cube
WHERE e.cube = :cube AND o.num IS NULL
UNION ALL
SELECT 'an edge closed without an operation', num
FROM edge WHERE cube = :cube AND recorded_to < :end AND closed_by IS NULL
UNION ALL
SELECT 'a memory without any state', n.num
FROM node n
WHERE n.cube = :cube AND n.kind = 'memory' AND NOT EXISTS (SELECT 1 FROM state s WHERE s.node = n.num)
UNION ALL
SELECT 'a memory whose version is not its last state''s', n.num
FROM node n
WHERE n.cube = :cube AND n.kind = 'memory'
  AND n.version < (SELECT max(s.version) FROM state s WHERE s.node = n.num)
