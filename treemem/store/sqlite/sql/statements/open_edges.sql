-- Open edges.
INSERT INTO edge (
  cube, type, src, dst, tiebreak, weight, confidence, valid_from, valid_to, recorded_from, recorded_to, opened_by,
  properties)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
