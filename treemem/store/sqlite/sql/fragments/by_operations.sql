-- The operation o that opened a state or an edge, and c that closed it, if it is closed.
JOIN operation o ON o.num = {{ROW}}.opened_by LEFT JOIN operation c ON c.num = {{ROW}}.closed_by
