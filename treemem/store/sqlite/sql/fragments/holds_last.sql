-- Whether no state of the same memory, as known now, holds after a state s.
NOT EXISTS (
  SELECT 1 FROM state later
  WHERE later.node = s.node AND later.recorded_to = :end AND later.valid_from > s.valid_from)
