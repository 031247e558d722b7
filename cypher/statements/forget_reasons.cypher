// Take the text out of reasons of operations.
UNWIND $ids AS id
MATCH (o:Operation {cube_id: $cube, id: id})
SET o.reason = null
