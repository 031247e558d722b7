// What was purged.
MATCH (t:Tombstone)
WHERE t.cube_id = $given.cube AND t.id > ''
RETURN t.id AS id, {{micros TIME=t.purged_at}} AS purged_at, t.reason AS reason
ORDER BY id
