// Edges at these memories that hold at a moment, and whose ends hold too unless $statuses is null.
{{moment}}
CALL (t, k) {
  UNWIND $given.ids AS id
  MATCH (m:Memory {cube_id: $given.cube, id: id})
  MATCH (m)-[r:{{edge_types}}]-(other)
  WHERE {{holds ROW=r SINCE=t UNTIL=t}}
    AND ($given.types IS NULL OR type(r) IN $given.types)
    AND (($given.outward AND startNode(r) = m) OR ($given.inward AND endNode(r) = m))
    AND ($given.statuses IS NULL OR (
      EXISTS { (m)<-[:STATE_OF]-(s:State)
               WHERE {{holds ROW=s SINCE=t UNTIL=t}}
                 AND s.status IN $given.statuses }
      AND (NOT other:Memory
           OR EXISTS { (other)<-[:STATE_OF]-(s:State)
                       WHERE {{holds ROW=s SINCE=t UNTIL=t}}
                         AND s.status IN $given.statuses })))
  WITH DISTINCT r
  RETURN collect({type: type(r), source: startNode(r).id, target: endNode(r).id, labels: labels(endNode(r)),
                  edge: {{edge}}}) AS edges
}
RETURN {{micros TIME=clock}} AS clock, edges
