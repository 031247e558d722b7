-- A state s of a node n as rows.state() takes it: with its vectors, or NULL in the place of them.
n.id, s.version, s.fields, s.valid_from, s.valid_to, s.recorded_from, s.recorded_to, o.id, c.id, s.tokens, s.passages,
{{EMBEDDING}}
