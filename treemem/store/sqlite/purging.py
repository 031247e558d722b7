"""purge on the embedded store, inside one write transaction; the caller scrubs the file afterwards."""

from __future__ import annotations

import sqlite3

from treemem.canonical import canonical_json
from treemem.changes import DERIVING, ChangeSet, Erasure, Receipt
from treemem.errors import OperationMismatchError
from treemem.store.shared import operation_mismatch, receipt_of, refuse_newer
from treemem.store.sqlite import rows
from treemem.store.sqlite.writing import find_operation, insert_operation, take_cube
from treemem.temporal import END

#: Whether anything at the watched memories is newer than what the erasure was planned from.
_NEWER = """
SELECT m.id FROM json_each(:ids) j CROSS JOIN node m ON m.cube = :cube AND m.kind = 'memory' AND m.id = j.value
WHERE EXISTS (SELECT 1 FROM state s WHERE s.node = m.num AND (s.recorded_from > :at OR
              (s.recorded_to > :at AND s.recorded_to < :end)))
   OR EXISTS (SELECT 1 FROM edge e WHERE e.src = m.num AND e.type IN (SELECT value FROM json_each(:types))
              AND (e.recorded_from > :at OR (e.recorded_to > :at AND e.recorded_to < :end)))
   OR EXISTS (SELECT 1 FROM edge e WHERE e.dst = m.num AND e.type IN (SELECT value FROM json_each(:types))
              AND (e.recorded_from > :at OR (e.recorded_to > :at AND e.recorded_to < :end)))
LIMIT 1
"""
_DOOMED = """
INSERT INTO doomed SELECT n.num FROM json_each(?) j CROSS JOIN node n ON n.cube = ? AND n.kind = 'memory'
AND n.id = j.value
"""
_CUT_MENTIONS = """
INSERT OR IGNORE INTO cut SELECT e.num FROM operation o CROSS JOIN edge e ON e.opened_by = o.num
WHERE o.cube = ? AND o.id = ? AND e.type = 'MENTIONS'
  AND e.src = (SELECT num FROM node WHERE cube = ? AND kind = 'memory' AND id = ?)
"""
_ORPHANS = """
INSERT INTO orphan SELECT DISTINCT e.dst FROM cut JOIN edge e ON e.num = cut.num JOIN node n ON n.num = e.dst
WHERE n.kind IN ('entity', 'source')
  AND NOT EXISTS (SELECT 1 FROM edge o WHERE o.dst = e.dst AND o.num NOT IN (SELECT num FROM cut))
"""
_REDACT = """
UPDATE state SET fields = ?, tokens = ?, embedding = ?
WHERE version = ? AND node = (SELECT num FROM node WHERE cube = ? AND kind = 'memory' AND id = ?)
"""


def purge(conn: sqlite3.Connection, changes: ChangeSet, erasure: Erasure) -> Receipt:
    """Erase memories and rewrite what holds their words, inside the open write transaction."""
    cube, recorded_at = take_cube(conn, changes)
    earlier = find_operation(conn, cube, changes.operation)
    if earlier is not None:
        if earlier.payload_hash != changes.payload_hash():
            raise OperationMismatchError(operation_mismatch(changes))
        return receipt_of(earlier)
    watched = {"ids": rows.listed(erasure.watched), "cube": cube, "at": erasure.read_at, "end": END}
    newer = conn.execute(_NEWER, watched | {"types": rows.listed(DERIVING)}).fetchone()
    refuse_newer(None if newer is None else newer[0])
    conn.execute("UPDATE cube SET clock = ?, epoch = epoch + 1 WHERE num = ?", (recorded_at, cube))
    conn.executemany(
        "UPDATE operation SET reason = NULL WHERE cube = ? AND id = ?", [(cube, name) for name in erasure.reasons]
    )
    for s in erasure.redacted:
        fields = canonical_json(dict(s.fields))
        conn.execute(_REDACT, (fields, s.tokens, rows.blob(s.content.embedding), s.version, cube, s.memory_id))
    _mark(conn, cube, erasure)
    edges = conn.execute("DELETE FROM edge WHERE num IN (SELECT num FROM cut)").rowcount
    states = conn.execute("DELETE FROM state WHERE node IN (SELECT num FROM doomed)").rowcount
    receipt = Receipt(changes.operation, recorded_at, 0, states, 0, edges)
    number = insert_operation(conn, cube, changes, receipt, list(erasure.ids))
    conn.execute(
        "INSERT INTO tombstone (cube, id, purged_at, reason, operation) SELECT ?, n.id, ?, ?, ? FROM doomed d "
        "JOIN node n ON n.num = d.num WHERE true ON CONFLICT DO UPDATE SET purged_at = excluded.purged_at",
        (cube, recorded_at, changes.reason, number),
    )
    for table in ("doomed", "orphan"):
        conn.execute(f"DELETE FROM usage WHERE node IN (SELECT num FROM {table})")
        conn.execute(f"DELETE FROM node WHERE num IN (SELECT num FROM {table})")
    return receipt


def _mark(conn: sqlite3.Connection, cube: int, erasure: Erasure) -> None:
    """Fill the tables of what goes: `doomed` memories, `cut` edges, `orphan` entities and sources without any other."""
    for table in ("doomed", "cut", "orphan"):
        conn.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} (num INTEGER PRIMARY KEY)")
        conn.execute(f"DELETE FROM {table}")
    conn.execute(_DOOMED, (rows.listed(erasure.ids), cube))
    conn.execute("INSERT INTO cut SELECT e.num FROM doomed d JOIN edge e ON e.src = d.num")
    conn.execute("INSERT OR IGNORE INTO cut SELECT e.num FROM doomed d JOIN edge e ON e.dst = d.num")
    conn.executemany(_CUT_MENTIONS, [(cube, operation, cube, memory_id) for memory_id, operation in erasure.mentions])
    conn.execute(_ORPHANS)
