-- The next operations of a cube by id, parts of batches included.
SELECT {{operation_columns}} FROM operation
WHERE cube = {{cube_number}} AND id > :after
ORDER BY id LIMIT :limit
