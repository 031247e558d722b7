-- The next operations of a cube, parts of batches included.
SELECT num, {{operation_columns}} FROM operation
WHERE cube = {{cube_number}} AND num > :after
ORDER BY num LIMIT :limit
