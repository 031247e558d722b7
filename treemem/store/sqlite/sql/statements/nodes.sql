-- Nodes by number.
SELECT n.num, n.kind, n.id, n.name, n.attributes ->> 'kind'
FROM json_each(:nums) j CROSS JOIN node n ON n.num = j.value
