// One cube, unless it is being erased.
MATCH (c:Cube {id: $cube})
WHERE c.erasing IS NULL
RETURN {{cube_info}}
