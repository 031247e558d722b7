// Memories that hold at a moment, in order of id.
{{moment}}
CALL (t, k) {
  MATCH (m:Memory)
  WHERE m.cube_id = $given.cube AND m.id > $given.after
  WITH m, t, k ORDER BY m.id
  MATCH (m)<-[:STATE_OF]-(s:State)
  WHERE {{holds ROW=s SINCE=t UNTIL=t}}
    AND ($given.statuses IS NULL OR s.status IN $given.statuses){{FILTER}}
  WITH s ORDER BY s.id LIMIT $given.limit
  RETURN collect({{state VECTORS=$given.vectors}}) AS states
}
RETURN {{micros TIME=clock}} AS clock,
       {{micros TIME=t}} AS t,
       {{micros TIME=k}} AS k, states
