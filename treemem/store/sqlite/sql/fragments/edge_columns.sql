-- An edge e from a to b as rows.edge() takes it.
e.type, a.id, b.id, b.kind, e.weight, e.confidence, e.valid_from, e.valid_to, e.recorded_from, e.recorded_to, o.id, c.id,
e.properties
