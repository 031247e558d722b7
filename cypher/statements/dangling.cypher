// Rows that hang in the air: states without operation, edges into other cubes, identities without states.
MATCH (m:Memory)
WHERE m.cube_id = $given.cube AND m.id > $given.after
WITH m ORDER BY m.id LIMIT $given.limit
CALL (m) {
  MATCH (m) WHERE NOT (m)<-[:STATE_OF]-() RETURN 'a memory without any state' AS what
  UNION ALL
  MATCH (m)<-[:STATE_OF]-(s) WHERE s.cube_id <> m.cube_id OR s.id <> m.id RETURN 'a state of another memory' AS what
  UNION ALL
  MATCH (m)<-[:STATE_OF]-(s) WHERE NOT EXISTS { MATCH (:Operation {cube_id: $given.cube, id: s.opened_by}) }
  RETURN 'a state without the operation that opened it' AS what
  UNION ALL
  MATCH (m)<-[:STATE_OF]-(s) WHERE s.recorded_to < $given.end AND s.closed_by IS NULL
  RETURN 'a state closed without an operation' AS what
  UNION ALL
  MATCH (m)<-[:STATE_OF]-(s) WITH m, max(s.version) AS top WHERE m.version < top
  RETURN "a memory whose version is not its last state's" AS what
  UNION ALL
  MATCH (m)-[r]->(b)
  WHERE {{ours ROW=r}} AND b.cube_id <> m.cube_id RETURN 'an edge into another cube' AS what
  UNION ALL
  MATCH (m)-[r]->()
  WHERE {{ours ROW=r}} AND NOT EXISTS { MATCH (:Operation {cube_id: $given.cube, id: r.opened_by}) }
  RETURN 'an edge without the operation that opened it' AS what
  UNION ALL
  MATCH (m)-[r]->()
  WHERE {{ours ROW=r}} AND r.recorded_to < $given.end AND r.closed_by IS NULL RETURN 'an edge closed without an operation' AS what
}
RETURN what, m.id AS id
