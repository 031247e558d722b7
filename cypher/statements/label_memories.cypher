// Label the next memories of a cube, and their states, as those are that are written now; give the last one's id.
MATCH (m:Memory)
WHERE m.cube_id = $given.cube AND m.id > $given.after
WITH m ORDER BY m.id LIMIT $given.limit
CALL (m) {
  MATCH (m)<-[:STATE_OF]-(s:State)
  SET s:$({{former}})
}
WITH m, {{gone}} AS gone
{{relabel}}
RETURN max(m.id) AS last
