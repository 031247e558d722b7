// Whether a state or an edge was recorded, or closed, after $read_at.
{{ROW}}.recorded_from > $read_at OR ({{ROW}}.recorded_to > $read_at AND {{ROW}}.recorded_to < $end)
