-- How many states of a cube have no staged vector of this model yet.
SELECT count(*) FROM state
WHERE cube = :cube AND num NOT IN (
  SELECT g.state FROM staged g JOIN state s ON s.num = g.state WHERE s.cube = :cube AND g.embedder = :embedder)
