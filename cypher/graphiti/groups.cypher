// What Graphiti wrote here, by group. Our own Entity nodes have no uuid and no group_id.
MATCH (n:Entity|Episodic)
WHERE n.uuid IS NOT NULL AND n.group_id IS NOT NULL AND n.created_at IS NOT NULL
RETURN n.group_id AS group, count(*) AS nodes
ORDER BY nodes DESC, group
