-- The tasks of a state, the one that was made last first.
SELECT {{task_columns}} FROM task
WHERE cube = {{cube_number}} AND state = :state
ORDER BY created DESC, num DESC LIMIT :limit
