// Every cube, without those being erased.
MATCH (c:Cube)
WHERE c.id > '' AND c.erasing IS NULL
RETURN {{cube_info}}
ORDER BY id
