-- How many rows of each kind a cube has.
SELECT
  (SELECT count(*) FROM node WHERE cube = :cube AND kind = 'memory'),
  (SELECT count(*) FROM state WHERE cube = :cube),
  (SELECT count(*) FROM edge WHERE cube = :cube),
  (SELECT count(*) FROM node WHERE cube = :cube AND kind = 'entity'),
  (SELECT count(*) FROM node WHERE cube = :cube AND kind = 'source'),
  (SELECT count(*) FROM operation WHERE cube = :cube)
