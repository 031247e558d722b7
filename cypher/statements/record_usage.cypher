// Count recalls; beside the versioned graph.
UNWIND $given.recalls AS recall
MATCH (m:Memory {cube_id: $given.cube, id: recall.id})
SET m.recalled = coalesce(m.recalled, 0) + recall.count,
    m.recalled_at = CASE WHEN m.recalled_at IS NULL OR m.recalled_at < $given.now THEN $given.now ELSE m.recalled_at END
