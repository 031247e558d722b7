// The states, at a moment, of the messages that these memories follow, the one of the strongest edge last.
{{moment}}
CALL (t, k) {
  UNWIND $given.ids AS id
  MATCH (m:Memory {cube_id: $given.cube, id: id})-[r:FOLLOWS]->(b:Memory)
  WHERE {{holds ROW=r SINCE=t UNTIL=t}}
  MATCH (b)<-[:STATE_OF]-(s:State)
  WHERE {{holds ROW=s SINCE=t UNTIL=t}} AND s.status IN $given.statuses
  WITH m, r, s ORDER BY r.weight, r.tiebreak DESC
  RETURN collect([m.id, {{state VECTORS=false}}]) AS found
}
RETURN {{micros TIME=clock}} AS clock, found
