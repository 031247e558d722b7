// One of these memories of which a state, or an edge along which words travel, was recorded or closed after a time.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
WHERE EXISTS { (m)<-[:STATE_OF]-(s:State)
               WHERE s.recorded_from > $read_at OR (s.recorded_to > $read_at AND s.recorded_to < $end) }
   OR EXISTS { (m)-[r:MERGED_INTO|DERIVED_FROM|PARENT|FOLLOWS]-()
               WHERE r.recorded_from > $read_at OR (r.recorded_to > $read_at AND r.recorded_to < $end) }
RETURN m.id AS id
LIMIT 1
