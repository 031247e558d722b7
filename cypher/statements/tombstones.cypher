// What was purged, and by which operation; one that a script made names none.
MATCH (t:Tombstone)
WHERE t.cube_id = $given.cube AND t.id > ''
RETURN t.id AS id, {{micros TIME=t.purged_at}} AS purged_at, t.reason AS reason,
  coalesce(t.operation, COLLECT {
    MATCH (o:Operation {cube_id: $given.cube, recorded_at: t.purged_at}) WHERE o.kind = 'purge' RETURN o.id LIMIT 1
  }[0]) AS operation
ORDER BY id
