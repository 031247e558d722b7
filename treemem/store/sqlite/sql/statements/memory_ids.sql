-- The last of the next memories of a cube, whatever their state; no row behind the last of all.
SELECT max(id) FROM (
  SELECT id FROM node WHERE cube = :cube AND kind = 'memory' AND id > :after ORDER BY id LIMIT :limit)
