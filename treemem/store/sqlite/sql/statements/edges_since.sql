-- The ends of the edges that were opened or closed after a time.
SELECT e.src, e.dst FROM operation o CROSS JOIN edge e ON e.opened_by = o.num
WHERE o.cube = :cube AND o.recorded_at > :clock
UNION ALL
SELECT e.src, e.dst FROM operation o CROSS JOIN edge e ON e.closed_by = o.num
WHERE o.cube = :cube AND o.recorded_at > :clock
