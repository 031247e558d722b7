-- The operation that a part belongs to: open until its last part is done.
INSERT INTO operation (cube, id, kind, recorded_at, status, actor, reason, payload_hash, receipt, touched)
VALUES (:cube, :id, :kind, :recorded_at, :status, :actor, :reason, '', '{}', '[]')
ON CONFLICT (cube, id) DO UPDATE SET status = excluded.status
