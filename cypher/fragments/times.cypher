// The four times of a state or an edge, as entries of a map.
valid_from: {{micros TIME="{{ROW}}.valid_from"}}, valid_to: {{micros TIME="{{ROW}}.valid_to"}},
recorded_from: {{micros TIME="{{ROW}}.recorded_from"}}, recorded_to: {{micros TIME="{{ROW}}.recorded_to"}}
