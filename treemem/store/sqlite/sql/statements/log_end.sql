-- The last number of a log.
SELECT s.sequence FROM state s WHERE {{of_log}} AND {{holds_last}} ORDER BY s.sequence DESC LIMIT 1
