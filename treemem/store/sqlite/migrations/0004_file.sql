-- What ties the database file and its write-ahead log together: one row, written anew by every transaction.
CREATE TABLE file_mark (
  num INTEGER PRIMARY KEY CHECK (num = 1),
  mark BLOB NOT NULL
) STRICT;
INSERT INTO file_mark (num, mark) VALUES (1, x'');
-- What is asked of one cube costs the same however many cubes the file holds.
CREATE INDEX edge_cube ON edge (cube);
CREATE INDEX tombstone_operation ON tombstone (operation);
