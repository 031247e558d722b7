-- The messages of a log with a number between two, in the order of those.
SELECT {{state_columns EMBEDDING=NULL}}
FROM state s JOIN node n ON n.num = s.node {{by_operations ROW=s}}
WHERE {{of_log}} AND s.sequence > :above AND s.sequence < :below AND {{holds_last}}
  AND {{allowed VALUE=s.status NAME=statuses}}{{FILTER}}
ORDER BY s.sequence {{ORDER}}, s.valid_from {{ORDER}}, n.id {{ORDER}} LIMIT :limit
