MATCH (n:Entity)
WHERE n.uuid IS NOT NULL AND n.group_id IS NOT NULL AND n.created_at IS NOT NULL
  AND ($groups IS NULL OR n.group_id IN $groups)
RETURN n {.*, name_embedding: null} AS row, labels(n) AS labels
