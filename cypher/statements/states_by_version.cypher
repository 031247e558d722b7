// The states with these keys.
UNWIND $given.keys AS key
MATCH (s:State {cube_id: $given.cube, id: key[0], version: key[1]})
RETURN {{state VECTORS=$given.vectors}} AS state
