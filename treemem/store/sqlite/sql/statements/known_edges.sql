-- The edges known now between these pairs, given as type and numbers.
SELECT {{edge_columns}}
FROM json_each(:pairs) j
CROSS JOIN edge e ON e.type = j.value ->> 0 AND e.src = j.value ->> 1 AND e.dst = j.value ->> 2 {{ends_and_operations}}
WHERE e.recorded_to = :end
