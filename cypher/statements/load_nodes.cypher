// Operations, entities, sources and tombstones of an archive; loading twice loads once.
CALL () {
  UNWIND $given.operations AS row
  MERGE (o:Operation {cube_id: $given.cube, id: row.id})
  SET o += row.properties,
    o.recorded_at = {{time PAIR=row.recorded_at}}
}
CALL () {
  UNWIND $given.entities AS row
  MERGE (e:Entity {cube_id: $given.cube, id: row.id})
  SET e.name = row.name, e.kind = row.kind
}
CALL () {
  UNWIND $given.sources AS row
  MERGE (s:Source {cube_id: $given.cube, id: row.id})
  SET s += row.properties,
    s.chat_time = {{time_or PAIR=row.chat_time ELSE=null}}
}
CALL () {
  UNWIND $given.tombstones AS row
  MERGE (t:Tombstone {cube_id: $given.cube, id: row.id})
  SET t.reason = row.reason, t.purged_at = {{time PAIR=row.at}}, t.operation = row.operation
  WITH t
  MATCH (o:Operation {cube_id: $given.cube, id: t.operation})
  SET t.actor = o.actor
}
