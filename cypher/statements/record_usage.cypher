// Count recalls; beside the versioned graph.
UNWIND $recalls AS recall
MATCH (m:Memory {cube_id: $cube, id: recall.id})
SET m.recalled = coalesce(m.recalled, 0) + recall.count,
    m.recalled_at = CASE WHEN m.recalled_at IS NULL OR m.recalled_at < $now THEN $now ELSE m.recalled_at END
