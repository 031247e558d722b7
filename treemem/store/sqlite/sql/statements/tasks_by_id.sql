-- The tasks of a cube with these ids.
SELECT {{task_columns}} FROM task
WHERE cube = {{cube_number}} AND id IN (SELECT value FROM json_each(:ids))
