-- An operation of an archive; loading twice loads once.
INSERT INTO operation (
  cube, id, kind, recorded_at, status, actor, reason, part_of, undoes, payload_hash, receipt, touched)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
