// Give a lease back if it is still ours.
MATCH (l:Lease {cube_id: $given.cube})
WHERE l.holder = $given.holder AND l.fence = $given.fence
SET l.expires = $given.now
