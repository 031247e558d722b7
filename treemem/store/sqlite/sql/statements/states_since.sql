-- The states of a cube recorded after a time, for the index in memory.
SELECT {{index_columns}} FROM state s JOIN node n ON n.num = s.node
WHERE s.cube = :cube AND s.recorded_from > :clock
