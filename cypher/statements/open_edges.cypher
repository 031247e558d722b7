// Open edges.
UNWIND $rows AS row
MATCH (a:Memory {cube_id: $cube, id: row.source})
MATCH (b:__TARGET__ {cube_id: $cube, id: row.target})
CREATE (a)-[r:__TYPE__]->(b)
SET r = row.properties
