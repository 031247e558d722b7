-- Operations by id, newest first. The + leaves the index of times to those who list by time.
SELECT {{operation_columns}} FROM operation
WHERE cube = {{cube_number}} AND id IN {{listed NAME=ids}}
ORDER BY +recorded_at DESC, num DESC LIMIT :limit
