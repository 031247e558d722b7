// The states of these memories that hold at a moment.
{{moment}}
CALL (t, k) {
  UNWIND $given.ids AS id
  MATCH (m:Memory {cube_id: $given.cube, id: id})<-[:STATE_OF]-(s:State)
  WHERE {{holds ROW=s SINCE=t UNTIL=t}}
    AND ($given.statuses IS NULL OR s.status IN $given.statuses)
  RETURN collect({{state VECTORS=$given.vectors}}) AS states
}
RETURN {{micros TIME=clock}} AS clock, states
