-- An edge e of the walk as EdgeRow takes it.
e.num, e.type, e.src, e.dst, e.weight, e.tiebreak, e.confidence, e.valid_from, e.valid_to, e.recorded_from, e.recorded_to
