-- A state s of a node n as the index in memory takes it.
s.num, s.node, n.id, s.version, s.status, s.memory_type, s.valid_from, s.valid_to, s.recorded_from, s.recorded_to,
s.tokens, s.passages, s.embedding
