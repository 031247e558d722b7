MATCH (n:Community)
WHERE n.uuid IS NOT NULL AND n.group_id IS NOT NULL AND ($groups IS NULL OR n.group_id IN $groups)
RETURN n {.*, name_embedding: null} AS row, [(n)-[:HAS_MEMBER]->(m:Entity|Community) | m.uuid] AS uuids
