-- Tasks: what is to be done later, by a worker. What is due is found by its state, whatever was done before.
CREATE TABLE task (
  num INTEGER PRIMARY KEY,
  cube INTEGER NOT NULL REFERENCES cube,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  payload TEXT NOT NULL,
  created INTEGER NOT NULL,
  user_id TEXT,
  session_id TEXT,
  state TEXT NOT NULL,
  due INTEGER NOT NULL,
  since INTEGER NOT NULL,
  fence INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  holder TEXT,
  reason TEXT NOT NULL,
  result TEXT NOT NULL,
  started INTEGER,
  finished INTEGER,
  owner TEXT NOT NULL,
  UNIQUE (cube, id)
) STRICT;
CREATE INDEX task_due ON task (cube, state, due);
CREATE INDEX task_since ON task (cube, state, since);
CREATE INDEX task_created ON task (cube, state, created);
CREATE INDEX task_owner ON task (cube, owner, state, created);
-- What the tasks of a cube spent on language models on the last day on which they did: days since 1970, tokens, money.
ALTER TABLE cube ADD COLUMN spent_day INTEGER;
ALTER TABLE cube ADD COLUMN spent_tokens INTEGER;
ALTER TABLE cube ADD COLUMN spent_cost REAL;
