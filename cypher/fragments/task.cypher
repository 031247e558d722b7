// A task as a map: every property, its times in microseconds.
{{ROW}}{.*, created: {{micros TIME="{{ROW}}.created"}}, due: {{micros TIME="{{ROW}}.due"}},
  since: {{micros TIME="{{ROW}}.since"}}, started: {{micros TIME="{{ROW}}.started"}},
  finished: {{micros TIME="{{ROW}}.finished"}}}
