-- The numbers of operations, by id.
SELECT o.id, o.num
FROM json_each(:ids) j CROSS JOIN operation o ON o.cube = :cube AND o.id = j.value
