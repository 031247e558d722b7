-- Every conversation of a cube: its messages, when the first and the last one were made, and whose they are.
SELECT s.conversation, count(*), min(s.fields ->> '$.created_at'), max(s.fields ->> '$.created_at') AS last,
  json_group_array(DISTINCT s.fields ->> '$.user_id') FILTER (WHERE s.fields ->> '$.user_id' IS NOT NULL)
FROM state s
WHERE s.cube = :cube AND s.conversation IS NOT NULL AND s.sequence IS NOT NULL AND s.recorded_to = :end
  AND {{holds_last}} AND s.status IN {{listed NAME=statuses}}{{FILTER}}
GROUP BY s.conversation ORDER BY last DESC, s.conversation
