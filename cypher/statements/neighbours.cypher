// The nearest memories to each vector.
{{language}}
{{moment}}
CALL (t, k) {
  {{nearest_states UNTIL=t LIMIT=$given.limit FILTER=""}}
  RETURN collect([s.id, score]) AS found
}
RETURN {{micros TIME=clock}} AS clock, found
