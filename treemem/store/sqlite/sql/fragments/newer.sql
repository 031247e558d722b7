-- Whether a state or an edge was recorded, or closed, after :at.
({{ROW}}.recorded_from > :at OR ({{ROW}}.recorded_to > :at AND {{ROW}}.recorded_to < :end))
