// Whether a state or an edge holds at some valid time from SINCE to UNTIL, as known at k.
{{ROW}}.valid_from <= {{UNTIL}} AND {{ROW}}.valid_to > {{SINCE}}
AND {{ROW}}.recorded_from <= k AND {{ROW}}.recorded_to > k
