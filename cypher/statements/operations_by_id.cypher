// Operations by id.
UNWIND $ids AS id
MATCH (o:Operation {cube_id: $cube, id: id})
RETURN o{.*, recorded_at: o.recorded_at.epochSeconds * 1000000 + o.recorded_at.microsecond} AS operation
ORDER BY o.recorded_at DESC
LIMIT $limit
