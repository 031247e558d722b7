-- How many memories hold now and are live, by memory type.
SELECT memory_type, count(DISTINCT node) FROM state
WHERE cube = :cube AND recorded_to = :end AND valid_from <= :now AND valid_to > :now
  AND status IN {{listed NAME=statuses}}
GROUP BY memory_type
