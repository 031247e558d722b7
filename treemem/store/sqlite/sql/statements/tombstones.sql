-- What was purged.
SELECT t.id, purged_at, reason FROM tombstone t JOIN cube u ON u.num = t.cube
WHERE u.id = :cube
ORDER BY t.id
