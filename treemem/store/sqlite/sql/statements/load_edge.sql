-- An edge of an archive; loading twice loads once.
INSERT INTO edge (
  cube, type, src, dst, weight, tiebreak, confidence, valid_from, valid_to, recorded_from, recorded_to, opened_by,
  closed_by, properties)
SELECT :cube, :type, :src, :dst, :weight, :tiebreak, :confidence, :valid_from, :valid_to, :recorded_from, :recorded_to,
  :opened_by, :closed_by, :properties
WHERE NOT EXISTS (
  SELECT 1 FROM edge
  WHERE src = :src AND dst = :dst AND type = :type AND valid_from = :valid_from AND recorded_from = :recorded_from
    AND opened_by = :opened_by)
