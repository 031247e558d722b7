-- The parts of a batch, newest first. The + leaves the index of times to those who list by time.
SELECT {{operation_columns}} FROM operation
WHERE cube = {{cube_number}} AND part_of = :part_of
ORDER BY +recorded_at DESC, num DESC LIMIT :limit
