// An operation as a map: every property, its time in microseconds.
{{ROW}}{.*, recorded_at: {{micros TIME="{{ROW}}.recorded_at"}}}
