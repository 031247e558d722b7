-- The states of a cube closed after a time.
SELECT num, recorded_to FROM state
WHERE cube = :cube AND recorded_to > :clock AND recorded_to < :end
