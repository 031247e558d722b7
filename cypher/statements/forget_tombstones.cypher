// Take the text out of reasons of earlier purges.
UNWIND $given.ids AS id
MATCH (t:Tombstone {cube_id: $given.cube, id: id})
SET t.reason = null
