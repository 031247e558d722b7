-- The cubes that have a task which a worker may take up.
SELECT c.id FROM cube c
WHERE EXISTS (SELECT 1 FROM task WHERE cube = c.num AND state = 'waiting' AND due <= :now)
  OR EXISTS (SELECT 1 FROM task WHERE cube = c.num AND state = 'waiting' AND since > :now + :skew)
  OR EXISTS (SELECT 1 FROM task WHERE cube = c.num AND state = 'running' AND due <= :machine)
  OR EXISTS (SELECT 1 FROM task WHERE cube = c.num AND state = 'running' AND since > :machine + :skew)
ORDER BY c.id
