MATCH (n:Saga)
WHERE n.uuid IS NOT NULL AND n.group_id IS NOT NULL AND ($groups IS NULL OR n.group_id IN $groups)
RETURN n {.*} AS row, [(n)-[:HAS_EPISODE]->(e:Episodic) | e.uuid] AS uuids
