// Whether no state of the same memory, as known now, holds after a state s.
NOT EXISTS {
  MATCH (later:State {cube_id: s.cube_id, id: s.id})
  WHERE later.version > 0 AND later.recorded_to = $given.end AND later.valid_from > s.valid_from }
