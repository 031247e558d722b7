MATCH (source:Entity)-[f:RELATES_TO]->(target:Entity)
WHERE f.uuid IS NOT NULL AND f.group_id IS NOT NULL AND ($groups IS NULL OR f.group_id IN $groups)
RETURN f {.*, fact_embedding: null, source_uuid: null, target_uuid: null,
          source_node_uuid: source.uuid, target_node_uuid: target.uuid} AS row
