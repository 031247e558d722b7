// What was purged.
MATCH (t:Tombstone)
WHERE t.cube_id = $cube AND t.id > ''
RETURN t.id AS id, t.purged_at.epochSeconds * 1000000 + t.purged_at.microsecond AS purged_at, t.reason AS reason
ORDER BY id
