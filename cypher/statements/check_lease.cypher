// Hold the lease of a cube for this transaction, if it is still ours: another holder waits until the commit.
MATCH (l:Lease {cube_id: $given.cube})
WHERE l.holder = $given.holder AND l.fence = $given.fence
SET l.lock = true
RETURN l.fence AS fence
