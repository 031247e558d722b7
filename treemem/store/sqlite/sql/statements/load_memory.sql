-- A memory of an archive, with its last version.
INSERT INTO node (cube, kind, id, version) VALUES (?, 'memory', ?, ?)
ON CONFLICT (cube, kind, id) DO UPDATE SET version = max(version, excluded.version)
