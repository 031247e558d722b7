// The edges known now between these pairs.
UNWIND $pairs AS pair
MATCH (a:Memory {cube_id: $cube, id: pair[1]})
WITH pair, a
MATCH (b:__TARGET__ {cube_id: $cube, id: pair[2]})
MATCH (a)-[r]->(b)
WHERE type(r) = pair[0] AND r.recorded_to = $end
RETURN type(r) AS type, a.id AS source, b.id AS target, r{.*, valid_from: r.valid_from.epochSeconds * 1000000 + r.valid_from.microsecond,
      valid_to: r.valid_to.epochSeconds * 1000000 + r.valid_to.microsecond,
      recorded_from: r.recorded_from.epochSeconds * 1000000 + r.recorded_from.microsecond,
      recorded_to: r.recorded_to.epochSeconds * 1000000 + r.recorded_to.microsecond} AS edge
