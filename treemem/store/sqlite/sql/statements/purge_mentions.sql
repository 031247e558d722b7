-- Note the edges to cut by which an operation let a memory mention something.
INSERT OR IGNORE INTO cut
SELECT e.num FROM operation o CROSS JOIN edge e ON e.opened_by = o.num
WHERE o.cube = ? AND o.id = ? AND e.type = 'MENTIONS'
  AND e.src = (SELECT num FROM node WHERE cube = ? AND kind = 'memory' AND id = ?)
