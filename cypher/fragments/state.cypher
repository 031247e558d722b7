// A state s as a map: every property, times in microseconds, and its vector, or null in the place of it.
s{.*, embedding: {{EMBEDDING}},
  {{times ROW=s}},
  created_at: {{micros TIME=s.created_at}}, memory_time: {{micros TIME=s.memory_time}}}
