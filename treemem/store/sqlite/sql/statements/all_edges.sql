-- The next edges ever recorded, in the order in which they were written.
SELECT e.num, {{edge_columns}}
FROM edge e {{ends_and_operations}}
WHERE e.cube = :cube AND e.num > :after
ORDER BY e.num LIMIT :limit
