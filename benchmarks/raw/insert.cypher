// The rows of one batch, prepared beforehand, in one statement: the least a client can do for the same graph.
UNWIND $rows AS row
CREATE (m:Memory {cube_id: $cube, id: row.id})
SET m += row.cache
CREATE (s:State {cube_id: $cube, id: row.id, version: 1})-[:STATE_OF]->(m)
SET s += row.state
MERGE (o:Source {cube_id: $cube, id: row.source.id})
SET o += row.source.properties
CREATE (m)-[d:DERIVED_FROM]->(o)
SET d = row.edge
WITH m, s, row
CALL db.create.setNodeVectorProperty(s, 'embedding', row.embedding)
CALL (m, row) {
  UNWIND row.entities AS e
  MERGE (n:Entity {cube_id: $cube, id: e.id})
  ON CREATE SET n.name = e.name, n.kind = e.kind
  CREATE (m)-[r:MENTIONS]->(n)
  SET r = row.edge
}
CALL (m, row) {
  UNWIND row.before AS before
  MATCH (b:Memory {cube_id: $cube, id: before})
  CREATE (m)-[r:FOLLOWS]->(b)
  SET r = row.edge
}
