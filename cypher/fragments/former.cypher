// The label of a state s that is no longer so, in a list: it was replaced or taken back, put away, or had ended when it was
// written. None for one that holds.
CASE WHEN s.recorded_to < $given.end OR s.valid_to <= s.recorded_from OR NOT s.status IN ['activated', 'generated']
     THEN ['Former'] ELSE [] END
