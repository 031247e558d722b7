-- The numbers of nodes, given as kind and id.
SELECT n.kind, n.id, n.num
FROM json_each(:wanted) j CROSS JOIN node n ON n.cube = :cube AND n.kind = j.value ->> 0 AND n.id = j.value ->> 1
