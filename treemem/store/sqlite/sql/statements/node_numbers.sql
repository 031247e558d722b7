-- The numbers and last versions of nodes of a kind, by id.
SELECT n.id, n.num, n.version
FROM json_each(:ids) j CROSS JOIN node n ON n.cube = :cube AND n.kind = :kind AND n.id = j.value
