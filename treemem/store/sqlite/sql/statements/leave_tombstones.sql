-- Leave tombstones for the memories to erase.
INSERT INTO tombstone (cube, id, purged_at, reason, operation)
SELECT ?, n.id, ?, ?, ? FROM doomed d JOIN node n ON n.num = d.num
WHERE true
ON CONFLICT DO UPDATE SET purged_at = excluded.purged_at, reason = excluded.reason, operation = excluded.operation
