-- An operation that is done.
INSERT INTO operation (
  cube, id, kind, recorded_at, status, actor, reason, part_of, undoes, payload_hash, receipt, touched)
VALUES (?, ?, ?, ?, 'done', ?, ?, ?, ?, ?, ?, ?)
