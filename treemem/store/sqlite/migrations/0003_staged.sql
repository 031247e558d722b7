-- New vectors of states while a cube changes its model.
CREATE TABLE staged (
  state INTEGER PRIMARY KEY REFERENCES state ON DELETE CASCADE,
  embedder TEXT NOT NULL,
  embedding BLOB NOT NULL
) STRICT;
