-- Put new vectors beside the old ones, where no index sees them.
INSERT INTO staged (state, embedder, passages, embedding)
SELECT s.num, ?, ?, ? FROM node n JOIN state s ON s.node = n.num
WHERE n.cube = ? AND n.kind = 'memory' AND n.id = ? AND s.version = ?
ON CONFLICT (state) DO UPDATE SET
  embedder = excluded.embedder, passages = excluded.passages, embedding = excluded.embedding
