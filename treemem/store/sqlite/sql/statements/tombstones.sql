-- What was purged, and by which operation.
SELECT t.id, purged_at, t.reason, o.id
FROM tombstone t JOIN cube u ON u.num = t.cube JOIN operation o ON o.num = t.operation
WHERE u.id = :cube
ORDER BY t.id
