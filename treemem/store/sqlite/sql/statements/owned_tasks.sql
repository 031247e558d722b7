-- The tasks of a state and of one owner, the one that was made last first.
SELECT {{task_columns}} FROM task
WHERE cube = {{cube_number}} AND owner = :owner AND state = :state
ORDER BY created DESC, num DESC LIMIT :limit
