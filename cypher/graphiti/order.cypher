MATCH (earlier:Episodic)-[n:NEXT_EPISODE]->(later:Episodic)
WHERE n.uuid IS NOT NULL AND n.group_id IS NOT NULL AND ($groups IS NULL OR n.group_id IN $groups)
RETURN earlier.uuid AS earlier, later.uuid AS later
