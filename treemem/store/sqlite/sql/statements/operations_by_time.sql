-- The audit trail, newest first; the parts of batches only where they are asked for.
SELECT {{operation_columns}} FROM operation
WHERE cube = {{cube_number}} AND recorded_at >= :since AND recorded_at < :until AND (:parts OR part_of IS NULL)
ORDER BY recorded_at DESC, num DESC LIMIT :limit
