-- Every edge of some nodes, given by number, each with the node it is an edge of.
SELECT j.value, {{fan_columns}} FROM json_each(:nodes) j CROSS JOIN edge e ON e.src = j.value
UNION ALL
SELECT j.value, {{fan_columns}} FROM json_each(:nodes) j CROSS JOIN edge e ON e.dst = j.value
