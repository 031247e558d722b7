-- How often and when the next memories of a cube were recalled, those that ever were.
SELECT n.id, u.count, u.last
FROM node n CROSS JOIN usage u ON u.node = n.num
WHERE n.cube = {{cube_number}} AND n.kind = 'memory' AND n.id > :after
ORDER BY n.id LIMIT :limit
