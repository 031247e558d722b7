// One of these memories of which a state, or an edge along which words travel, was recorded or closed after a time.
UNWIND $given.ids AS id
MATCH (m:Memory {cube_id: $given.cube, id: id})
WHERE EXISTS { (m)<-[:STATE_OF]-(s:State)
               WHERE {{newer ROW=s}} }
   OR EXISTS { (m)-[r:MERGED_INTO|DERIVED_FROM|PARENT|FOLLOWS]-()
               WHERE {{newer ROW=r}} }
RETURN m.id AS id
LIMIT 1
