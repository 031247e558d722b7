// Take or renew a cube's lease unless another holder has it.
MERGE (l:Lease {cube_id: $cube})
SET l.lock = true
WITH l, l.holder IS NULL OR l.holder = $holder OR l.expires <= $now AS free, l.holder = $holder AS mine
SET l.fence = CASE WHEN NOT free OR mine THEN l.fence ELSE coalesce(l.fence, 0) + 1 END,
    l.holder = CASE WHEN free THEN $holder ELSE l.holder END,
    l.expires = CASE WHEN free THEN $expires ELSE l.expires END
RETURN free, l.fence AS fence
