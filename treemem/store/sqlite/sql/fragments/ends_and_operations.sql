-- The ends a and b of an edge e, and its operations.
JOIN node a ON a.num = e.src JOIN node b ON b.num = e.dst {{by_operations ROW=e}}
