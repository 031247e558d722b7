-- The tasks of a state whose time, FIELD, lies so, those that are due for longest first.
SELECT * FROM (
  SELECT {{task_columns}} FROM task
  WHERE cube = {{cube_number}} AND state = '{{STATE}}' AND {{FIELD}} {{SO}}
    AND kind IN (SELECT value FROM json_each(:kinds))
  ORDER BY {{FIELD}} LIMIT :limit
)
