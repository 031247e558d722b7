-- The next states ever recorded, by id and version.
SELECT {{state_columns EMBEDDING=s.embedding}}
FROM state s JOIN node n ON n.num = s.node {{by_operations ROW=s}}
WHERE n.cube = :cube AND n.kind = 'memory' AND (n.id, s.version) > (:id, :version)
ORDER BY n.id, s.version LIMIT :limit
