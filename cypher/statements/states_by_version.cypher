// The states with these keys.
UNWIND $keys AS key
MATCH (s:State {cube_id: $cube, id: key[0], version: key[1]})
RETURN {{state EMBEDDING="CASE WHEN $vectors THEN s.embedding END"}} AS state
