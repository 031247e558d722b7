// Take the text out of reasons of earlier purges.
UNWIND $ids AS id
MATCH (t:Tombstone {cube_id: $cube, id: id})
SET t.reason = null
