// Whether a state or an edge was recorded, or closed, after $read_at.
{{ROW}}.recorded_from > $given.read_at OR ({{ROW}}.recorded_to > $given.read_at AND {{ROW}}.recorded_to < $given.end)
