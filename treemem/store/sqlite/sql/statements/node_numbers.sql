-- The numbers and last versions of nodes, by kind and id.
SELECT n.kind, n.id, n.num, n.version
FROM json_each(:memory) j CROSS JOIN node n ON n.cube = :cube AND n.kind = 'memory' AND n.id = j.value
UNION ALL
SELECT n.kind, n.id, n.num, n.version
FROM json_each(:entity) j CROSS JOIN node n ON n.cube = :cube AND n.kind = 'entity' AND n.id = j.value
UNION ALL
SELECT n.kind, n.id, n.num, n.version
FROM json_each(:source) j CROSS JOIN node n ON n.cube = :cube AND n.kind = 'source' AND n.id = j.value
