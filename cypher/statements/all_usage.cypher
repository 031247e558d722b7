// How often and when the next memories of a cube were recalled, those that ever were.
MATCH (m:Memory)
WHERE m.cube_id = $given.cube AND m.id > $given.after AND m.recalled IS NOT NULL
RETURN {id: m.id, recalls: m.recalled, last: {{micros TIME=m.recalled_at}}} AS used
ORDER BY m.id
LIMIT $given.limit
