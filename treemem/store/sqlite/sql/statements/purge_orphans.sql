-- Note the entities and sources at which no edge will end that is not cut.
INSERT INTO orphan
SELECT DISTINCT e.dst FROM cut JOIN edge e ON e.num = cut.num JOIN node n ON n.num = e.dst
WHERE n.kind IN ('entity', 'source')
  AND NOT EXISTS (SELECT 1 FROM edge o WHERE o.dst = e.dst AND o.num NOT IN (SELECT num FROM cut))
