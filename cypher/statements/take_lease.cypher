// Take or renew a cube's lease unless another holder has it. One that ends after $latest, later than any lease can, was
// taken by a clock that was wrong.
MERGE (l:Lease {cube_id: $given.cube})
SET l.lock = true
WITH l, l.holder IS NULL OR l.holder = $given.holder OR l.expires <= $given.now OR l.expires > $given.latest AS free, l.holder = $given.holder AS mine
SET l.fence = CASE WHEN NOT free OR mine THEN l.fence ELSE coalesce(l.fence, 0) + 1 END,
    l.holder = CASE WHEN free THEN $given.holder ELSE l.holder END,
    l.expires = CASE WHEN free THEN $given.expires ELSE l.expires END
RETURN free, l.fence AS fence
