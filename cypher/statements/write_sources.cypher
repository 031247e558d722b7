// Sources, made once.
UNWIND $rows AS row
MERGE (s:Source {cube_id: $cube, id: row.id})
ON CREATE SET s += row.properties
