-- The edges that an operation opened, or closed: BY is the column that says so.
SELECT {{edge_columns}}
FROM edge e {{ends_and_operations}}
WHERE e.{{BY}} = (SELECT num FROM operation WHERE cube = {{cube_number}} AND id = :operation)
ORDER BY e.type, a.id, b.id, e.valid_from
