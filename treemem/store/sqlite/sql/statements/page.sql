-- Memories that hold at a moment, in order of id.
SELECT {{state_columns EMBEDDING="CASE WHEN :vectors THEN s.embedding END"}}
FROM state s JOIN node n ON n.num = s.node {{by_operations ROW=s}}
WHERE n.cube = :cube AND n.kind = 'memory' AND n.id > :after AND {{holds ROW=s UNTIL=:t}}
  AND {{allowed VALUE=s.status NAME=statuses}}{{FILTER}}
ORDER BY n.id LIMIT :limit
