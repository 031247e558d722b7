// Count a recall; beside the versioned graph.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
SET m.recalled = coalesce(m.recalled, 0) + 1,
    m.recalled_at = CASE WHEN m.recalled_at IS NULL OR m.recalled_at < $now THEN $now ELSE m.recalled_at END
