-- Whether a state or an edge holds at some valid time from :t to UNTIL, as known at :k.
{{ROW}}.valid_from <= {{UNTIL}} AND {{ROW}}.valid_to > :t AND {{ROW}}.recorded_from <= :k AND {{ROW}}.recorded_to > :k
