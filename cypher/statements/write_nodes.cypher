// The operation and the parent of a part, entities and sources, each made once. Times come as [seconds, nanoseconds].
CALL () {
  UNWIND $given.parents AS parent
  MERGE (p:Operation {cube_id: $given.cube, id: parent.id})
  ON CREATE SET p += parent.created
  SET p.status = parent.status
}
CALL () {
  UNWIND $given.entities AS row
  MERGE (e:Entity {cube_id: $given.cube, id: row.id})
  ON CREATE SET e.name = row.name, e.kind = row.kind
}
CALL () {
  UNWIND $given.sources AS row
  MERGE (s:Source {cube_id: $given.cube, id: row.id})
  ON CREATE SET s += row.properties,
    s.chat_time = {{time_or PAIR=row.chat_time ELSE=null}}
}
MERGE (o:Operation {cube_id: $given.cube, id: $given.operation})
SET o += $given.properties
