// Give states their free fields as JSON and as facts; a property that comes as null is taken away.
UNWIND $given.rows AS row
MATCH (s:State {cube_id: $given.cube, id: row.id, version: row.version})
SET s += row.properties
