// Every conversation of a cube: its messages, when the first and the last one were made, and whose they are.
MATCH (s:State)
WHERE s.cube_id = $given.cube AND s.conversation_id > '' AND s.sequence > $given.above
  AND s.recorded_to = $given.end AND {{holds_last}} AND s.status IN $given.statuses{{FILTER}}
WITH s.conversation_id AS id, count(*) AS messages, min(s.created_at) AS first, max(s.created_at) AS last,
     collect(DISTINCT s.user_id) AS users
RETURN id, messages, {{micros TIME=first}} AS first, {{micros TIME=last}} AS last, users
ORDER BY last DESC, id
