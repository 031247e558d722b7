// Put tasks into the queue of a cube.
UNWIND $given.rows AS row
MERGE (t:Task {cube_id: $given.cube, id: row.id})
ON CREATE SET t += row.properties
