-- Take the tasks of a state out of the queue that ended before a time, some of them.
DELETE FROM task WHERE num IN (
  SELECT num FROM task WHERE cube = {{cube_number}} AND state = :state AND due < :before ORDER BY due LIMIT :limit
)
