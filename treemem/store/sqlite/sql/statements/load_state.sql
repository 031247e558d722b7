-- A state of an archive; loading twice loads once.
INSERT INTO state (
  cube, node, version, status, memory_type, valid_from, valid_to, recorded_from, recorded_to, opened_by, closed_by,
  fields, tokens, passages, embedding)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING
