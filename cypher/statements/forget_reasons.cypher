// Take the text out of reasons of operations.
UNWIND $given.ids AS id
MATCH (o:Operation {cube_id: $given.cube, id: id})
SET o.reason = null
