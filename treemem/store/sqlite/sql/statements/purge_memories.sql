-- Note the memories to erase.
INSERT INTO doomed
SELECT n.num FROM json_each(?) j CROSS JOIN node n ON n.cube = ? AND n.kind = 'memory' AND n.id = j.value
