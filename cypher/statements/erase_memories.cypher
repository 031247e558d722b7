// Erase the next memories of a cube that is being erased, with their states and edges.
MATCH (c:Cube {id: $given.cube})
SET c.lock = true
WITH c WHERE c.erasing
CALL (c) {
  MATCH (m:Memory)
  WHERE m.cube_id = $given.cube AND m.id > ''
  WITH m LIMIT $given.limit
  CALL (m) { MATCH (m)<-[:STATE_OF]-(s:State) OPTIONAL MATCH (s)<-[:PASSAGE_OF]-(p:Passage) DETACH DELETE s, p }
  DETACH DELETE m
  RETURN count(*) AS erased
}
RETURN erased
