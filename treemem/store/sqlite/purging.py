"""purge on the embedded store, inside one write transaction; the caller scrubs the file afterwards."""

from __future__ import annotations

import sqlite3

from treemem.canonical import canonical_json
from treemem.changes import DERIVING, ChangeSet, Erasure, Receipt
from treemem.errors import OperationMismatchError
from treemem.store.shared import operation_mismatch, receipt_of, refuse_end, refuse_newer
from treemem.store.sqlite import rows
from treemem.store.sqlite.statements import statement
from treemem.store.sqlite.writing import find_operation, insert_operation, take_cube
from treemem.temporal import END


def purge(conn: sqlite3.Connection, changes: ChangeSet, erasure: Erasure) -> Receipt:
    """Erase memories and rewrite what holds their words, inside the open write transaction."""
    cube, recorded_at = take_cube(conn, changes)
    earlier = find_operation(conn, cube, changes.operation)
    if earlier is not None:
        if earlier.payload_hash != changes.payload_hash():
            raise OperationMismatchError(operation_mismatch(changes))
        return receipt_of(earlier)
    watched = {"ids": rows.listed(erasure.watched), "cube": cube, "at": erasure.read_at, "end": END}
    newer = conn.execute(statement("newer_than"), watched | {"types": rows.listed(DERIVING)}).fetchone()
    refuse_newer(None if newer is None else newer[0])
    refuse_end(changes.cube, recorded_at)
    conn.execute("UPDATE cube SET clock = ?, epoch = epoch + 1 WHERE num = ?", (recorded_at, cube))
    conn.executemany(
        "UPDATE operation SET reason = NULL WHERE cube = ? AND id = ?", [(cube, name) for name in erasure.reasons]
    )
    conn.executemany(
        "UPDATE tombstone SET reason = NULL WHERE cube = ? AND id = ?", [(cube, name) for name in erasure.tombstones]
    )
    for s in erasure.redacted:
        vectors = s.content.vectors
        content = (canonical_json(dict(s.fields)), s.tokens, len(vectors) - 1, rows.blob(vectors))
        conn.execute(statement("redact_states"), (*content, s.version, cube, s.memory_id))
    _mark(conn, cube, erasure)
    edges = conn.execute("DELETE FROM edge WHERE num IN (SELECT num FROM cut)").rowcount
    states = conn.execute("DELETE FROM state WHERE node IN (SELECT num FROM doomed)").rowcount
    receipt = Receipt(changes.operation, recorded_at, 0, states, 0, edges)
    number = insert_operation(conn, cube, changes, receipt, list(erasure.ids))
    conn.execute(statement("leave_tombstones"), (cube, recorded_at, changes.reason, number))
    for table in ("doomed", "orphan"):
        conn.execute(f"DELETE FROM usage WHERE node IN (SELECT num FROM {table})")
        conn.execute(f"DELETE FROM node WHERE num IN (SELECT num FROM {table})")
    return receipt


def _mark(conn: sqlite3.Connection, cube: int, erasure: Erasure) -> None:
    """Fill the tables of what goes: `doomed` memories, `cut` edges, `orphan` entities and sources without any other."""
    for table in ("doomed", "cut", "orphan"):
        conn.execute(f"CREATE TEMP TABLE IF NOT EXISTS {table} (num INTEGER PRIMARY KEY)")
        conn.execute(f"DELETE FROM {table}")
    conn.execute(statement("purge_memories"), (rows.listed(erasure.ids), cube))
    conn.execute("INSERT INTO cut SELECT e.num FROM doomed d JOIN edge e ON e.src = d.num")
    conn.execute("INSERT OR IGNORE INTO cut SELECT e.num FROM doomed d JOIN edge e ON e.dst = d.num")
    mentions = [(cube, operation, cube, memory_id) for memory_id, operation in erasure.mentions]
    conn.executemany(statement("purge_mentions"), mentions)
    conn.execute(statement("purge_orphans"))
