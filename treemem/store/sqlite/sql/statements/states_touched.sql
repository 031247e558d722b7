-- The states that an operation opened, or closed: BY is the column that says so.
SELECT {{state_columns EMBEDDING=s.embedding}}
FROM state s JOIN node n ON n.num = s.node {{by_operations ROW=s}}
WHERE s.{{BY}} = (SELECT num FROM operation WHERE cube = {{cube_number}} AND id = :operation)
ORDER BY n.id, s.version
