-- How many rows of each kind a cube has, and how many of its memories a conversation holds beside what was said.
SELECT
  (SELECT count(*) FROM node WHERE cube = :cube AND kind = 'memory'),
  (SELECT count(*) FROM state WHERE cube = :cube),
  (SELECT count(*) FROM edge WHERE cube = :cube),
  (SELECT count(*) FROM node WHERE cube = :cube AND kind = 'entity'),
  (SELECT count(*) FROM node WHERE cube = :cube AND kind = 'source'),
  (SELECT count(*) FROM operation WHERE cube = :cube),
  (SELECT count(DISTINCT node) FROM state WHERE cube = :cube AND status = 'logged')
