-- The next entities, or sources, of a cube.
SELECT n.id, n.name, n.attributes FROM node n JOIN cube u ON u.num = n.cube
WHERE u.id = :cube AND n.kind = :kind AND n.id > :after
ORDER BY n.id LIMIT :limit
