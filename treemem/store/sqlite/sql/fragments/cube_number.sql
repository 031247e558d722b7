-- The number of the cube with the id :cube; NULL if there is none.
(SELECT num FROM cube WHERE id = :cube)
