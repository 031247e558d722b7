-- Open states.
INSERT INTO state (
  cube, node, version, status, memory_type, valid_from, valid_to, recorded_from, recorded_to, opened_by, fields, tokens,
  passages, embedding)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
