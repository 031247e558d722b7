-- An operation of a cube.
SELECT {{operation_columns}} FROM operation
WHERE cube = ? AND id = ?
