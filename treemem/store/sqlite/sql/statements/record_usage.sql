-- Count recalls, given as pairs of id and number; beside the versioned graph.
INSERT INTO usage (node, count, last)
SELECT n.num, j.value ->> 1, :now
FROM json_each(:counts) j
CROSS JOIN node n ON n.cube = {{cube_number}} AND n.kind = 'memory' AND n.id = j.value ->> 0
WHERE true
ON CONFLICT (node) DO UPDATE SET count = count + excluded.count, last = max(last, excluded.last)
