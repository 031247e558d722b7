// One cube, unless it is being erased.
MATCH (c:Cube {id: $given.cube})
WHERE c.erasing IS NULL
RETURN {{cube_info}}
