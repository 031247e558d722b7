// Erase the next nodes of a kind, and say how many they were.
CALL (c) { MATCH (n:{{LABEL}}) WHERE n.cube_id = $given.cube AND n.id > '' WITH n LIMIT $given.limit
           DETACH DELETE n RETURN count(*) AS {{ERASED}} }
