-- Cubes, nodes (memories, entities, sources), states, edges and operations. Times are microseconds since 1970, UTC.
CREATE TABLE cube (
  num INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  clock INTEGER NOT NULL,
  epoch INTEGER NOT NULL DEFAULT 0,
  embedder TEXT,
  dimension INTEGER
) STRICT;

CREATE TABLE operation (
  num INTEGER PRIMARY KEY,
  cube INTEGER NOT NULL REFERENCES cube,
  id TEXT NOT NULL,
  kind TEXT NOT NULL,
  recorded_at INTEGER NOT NULL,
  status TEXT NOT NULL,
  actor TEXT,
  reason TEXT,
  part_of TEXT,
  undoes TEXT,
  payload_hash TEXT NOT NULL,
  receipt TEXT NOT NULL,
  touched TEXT NOT NULL,
  UNIQUE (cube, id)
) STRICT;
CREATE INDEX operation_time ON operation (cube, recorded_at);
CREATE INDEX operation_parts ON operation (cube, part_of) WHERE part_of IS NOT NULL;

CREATE TABLE node (
  num INTEGER PRIMARY KEY,
  cube INTEGER NOT NULL REFERENCES cube,
  kind TEXT NOT NULL,
  id TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 0,
  name TEXT,
  attributes TEXT,
  UNIQUE (cube, kind, id)
) STRICT;

CREATE TABLE state (
  num INTEGER PRIMARY KEY,
  cube INTEGER NOT NULL REFERENCES cube,
  node INTEGER NOT NULL REFERENCES node,
  version INTEGER NOT NULL,
  status TEXT NOT NULL,
  memory_type TEXT NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER NOT NULL,
  recorded_from INTEGER NOT NULL,
  recorded_to INTEGER NOT NULL,
  opened_by INTEGER NOT NULL REFERENCES operation,
  closed_by INTEGER REFERENCES operation,
  fields TEXT NOT NULL,
  tokens TEXT NOT NULL,
  embedding BLOB NOT NULL,
  UNIQUE (node, version)
) STRICT;
CREATE INDEX state_learned ON state (cube, recorded_from);
CREATE INDEX state_closed ON state (cube, recorded_to) WHERE recorded_to < 253402300799999999;
CREATE INDEX state_opened_by ON state (opened_by);
CREATE INDEX state_closed_by ON state (closed_by) WHERE closed_by IS NOT NULL;

CREATE TABLE edge (
  num INTEGER PRIMARY KEY,
  cube INTEGER NOT NULL REFERENCES cube,
  type TEXT NOT NULL,
  src INTEGER NOT NULL REFERENCES node,
  dst INTEGER NOT NULL REFERENCES node,
  weight REAL NOT NULL,
  tiebreak INTEGER NOT NULL,
  confidence REAL NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER NOT NULL,
  recorded_from INTEGER NOT NULL,
  recorded_to INTEGER NOT NULL,
  opened_by INTEGER NOT NULL REFERENCES operation,
  closed_by INTEGER REFERENCES operation
) STRICT;
-- Both fans in the order of a walk, which stops at its limit.
CREATE INDEX edge_out ON edge (src, weight DESC, tiebreak);
CREATE INDEX edge_in ON edge (dst, weight DESC, tiebreak);
CREATE INDEX edge_pair ON edge (src, dst);
CREATE INDEX edge_opened_by ON edge (opened_by);
CREATE INDEX edge_closed_by ON edge (closed_by) WHERE closed_by IS NOT NULL;
