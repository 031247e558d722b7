-- The states of a cube known at a time, for the index in memory.
SELECT {{index_columns}} FROM state s JOIN node n ON n.num = s.node
WHERE s.cube = :cube AND s.recorded_from <= :known_at AND s.recorded_to > :known_at
