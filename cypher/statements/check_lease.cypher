// Hold the lease of a cube for this transaction, if it is still ours: another holder waits until the commit.
MATCH (l:Lease {cube_id: $cube})
WHERE l.holder = $holder AND l.fence = $fence
SET l.lock = true
RETURN l.fence AS fence
