// The states of these memories that hold at a moment.
{{moment}}
CALL (t, k) {
  UNWIND $ids AS id
  MATCH (m:Memory {cube_id: $cube, id: id})<-[:STATE_OF]-(s:State)
  WHERE {{holds ROW=s SINCE=t UNTIL=t}}
    AND ($statuses IS NULL OR s.status IN $statuses)
  RETURN collect({{state EMBEDDING="CASE WHEN $vectors THEN s.embedding END"}}) AS states
}
RETURN {{micros TIME=clock}} AS clock, states
