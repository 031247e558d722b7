-- How many edges a node has, counted up to :most in each direction.
(SELECT count(*) FROM (SELECT 1 FROM edge e WHERE e.src = {{NODE}} LIMIT :most)) +
(SELECT count(*) FROM (SELECT 1 FROM edge e WHERE e.dst = {{NODE}} LIMIT :most))
