-- How many edges a node has, counted up to :most in each direction.
SELECT {{degree NODE=:node}}
