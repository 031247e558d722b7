-- What stands beside the versioned graph: usage counts, leases, tombstones.
CREATE TABLE usage (
  node INTEGER PRIMARY KEY REFERENCES node,
  count INTEGER NOT NULL,
  last INTEGER NOT NULL
) STRICT;

CREATE TABLE lease (
  cube TEXT PRIMARY KEY,
  holder TEXT NOT NULL,
  fence INTEGER NOT NULL,
  expires INTEGER NOT NULL
) STRICT;

CREATE TABLE tombstone (
  cube INTEGER NOT NULL REFERENCES cube,
  id TEXT NOT NULL,
  purged_at INTEGER NOT NULL,
  reason TEXT,
  operation INTEGER NOT NULL REFERENCES operation,
  PRIMARY KEY (cube, id)
) STRICT;
