// Give a lease back if it is still ours.
MATCH (l:Lease {cube_id: $cube})
WHERE l.holder = $holder AND l.fence = $fence
SET l.expires = $now
