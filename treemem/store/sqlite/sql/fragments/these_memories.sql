-- The memories that :ids lists, in that order; CROSS JOIN keeps it, so that each is found by the index of ids.
json_each(:ids) j CROSS JOIN node {{NODE}}
ON {{NODE}}.cube = :cube AND {{NODE}}.kind = 'memory' AND {{NODE}}.id = j.value
