// The last version of each of these memories that exists.
UNWIND $ids AS id
MATCH (m:Memory {cube_id: $cube, id: id})
RETURN m.id AS id, m.version AS version
