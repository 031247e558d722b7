-- Which of these nodes, given by number, have fewer than :most edges.
SELECT j.value FROM json_each(:nodes) j
WHERE {{degree NODE=j.value}} < :most
