-- Which of these states, given by number, pass a filter.
SELECT s.num FROM json_each(:nums) n CROSS JOIN state s ON s.num = n.value
WHERE true{{FILTER}}
