-- Entities by id.
SELECT n.id, n.name, n.attributes
FROM json_each(:ids) j CROSS JOIN cube u ON u.id = :cube
CROSS JOIN node n ON n.cube = u.num AND n.kind = 'entity' AND n.id = j.value
ORDER BY n.id
