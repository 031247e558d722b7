-- How many tasks of a cube wait, counted up to :most.
SELECT count(*) FROM (SELECT 1 FROM task WHERE cube = :cube AND state = 'waiting' LIMIT :most)
