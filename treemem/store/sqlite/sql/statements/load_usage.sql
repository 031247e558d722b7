-- How often and when a memory of an archive was recalled; what was counted here stays.
INSERT INTO usage (node, count, last)
SELECT num, :recalls, :last FROM node WHERE cube = :cube AND kind = 'memory' AND id = :id
ON CONFLICT DO NOTHING
