-- The entities that a question names.
SELECT n.num, n.id, n.name, n.attributes ->> 'kind'
FROM json_each(:ids) j CROSS JOIN node n ON n.cube = :cube AND n.kind = 'entity' AND n.id = j.value
