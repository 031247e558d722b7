-- How often and when memories were recalled.
SELECT n.id, u.count, u.last
FROM json_each(:ids) j CROSS JOIN node n ON n.cube = {{cube_number}} AND n.kind = 'memory' AND n.id = j.value
JOIN usage u ON u.node = n.num
