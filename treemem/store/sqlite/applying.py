"""Change sets come into the file, those of several threads in one transaction.

What takes time is that a commit waits for the disk, and one wait can serve many. Each change set has its own time, its
own operation and its own receipt, as if it had been written alone; one that is refused leaves nothing there.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import NamedTuple

from treemem.changes import ChangeSet, Receipt
from treemem.errors import TreememError
from treemem.store.protocol import Lease
from treemem.store.shared import check_lease
from treemem.store.sqlite import writing
from treemem.store.sqlite.database import Database
from treemem.store.together import Together

#: How many rows one transaction of several writers has at most.
MOST = 1_000


class _Asked(NamedTuple):
    changes: ChangeSet
    lease: Lease | None


class Applying:
    """Writes change sets. A file has one writer at a time, so that those of all cubes go together."""

    def __init__(self, database: Database, timeout: float) -> None:
        self._database = database
        self._together = Together(self._write, self._alone, lambda one: one.changes.rows, MOST, timeout)

    def __call__(self, changes: ChangeSet, lease: Lease | None = None) -> Receipt:
        """Write a change set, or nothing; return once it is on the disk."""
        return self._together(None, _Asked(changes, lease))

    def _alone(self, one: _Asked) -> Receipt:
        with self._database.write() as conn:
            return _apply(conn, one)

    def _write(self, many: Sequence[_Asked], _seconds: float) -> Sequence[Receipt | Exception]:
        if len(many) == 1:
            return [self._alone(many[0])]
        with self._database.write() as conn:
            return [_beside(conn, one) for one in many]


def _beside(conn: sqlite3.Connection, one: _Asked) -> Receipt | TreememError:
    """Write a change set beside others; return what refuses it, with nothing of it left."""
    conn.execute("SAVEPOINT one")
    try:
        found: Receipt | TreememError = _apply(conn, one)
    except TreememError as error:
        conn.execute("ROLLBACK TO one")
        found = error
    conn.execute("RELEASE one")
    return found


def _apply(conn: sqlite3.Connection, one: _Asked) -> Receipt:
    if one.lease is not None:
        held = conn.execute("SELECT holder, fence FROM lease WHERE cube = ?", (one.lease.cube,)).fetchone()
        check_lease(one.lease, None if held is None else (held[0], held[1]))
    return writing.apply(conn, one.changes)
