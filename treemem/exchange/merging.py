"""An archive into a cube that holds something else: what both have is equal or refused by name, the rest is added.

First the cube is read, then the archive against it, with the checks that an archive alone has to pass: no two states or
equal edges at once, one parent at a time, no circle. What is not there yet is kept in a file beside, and written in one
transaction, if the cube is still as it was read. Names (entities) that both have are one, as they are anywhere in a
cube, and how often a memory was recalled stays what it is here.
"""

from __future__ import annotations

import pickle
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from treemem.canonical import canonical_json
from treemem.changes import Edge, Entity, Operation, Source, State
from treemem.context import Context
from treemem.errors import ConflictError, InvalidInputError
from treemem.exchange.archive import Archive, Loaded, batches, plain_row
from treemem.exchange.checking import union
from treemem.exchange.format import record_hash
from treemem.exchange.records import Row
from treemem.exchange.rows import rows_at
from treemem.exchange.scratch import scratch
from treemem.store.protocol import CubeInfo, Rows, Tombstone, Used
from treemem.store.shared import edge_order, refuse_loading
from treemem.write.addition import Progress

#: How often the cube is read while others write to it, and how many conflicts are named.
_TRIES, _NAMED = 3, 20
_TABLES = """
CREATE TABLE here (kind TEXT, key TEXT, digest BLOB, PRIMARY KEY (kind, key)) WITHOUT ROWID;
CREATE TABLE new (kind TEXT, memory TEXT, said INTEGER, row BLOB);
"""
_PURPOSE = "compare an archive with a cube"
#: Gives the rows of the archive as those of the cube: renamed, with the vectors of its model.
Converted = Callable[[], Iterator[tuple[int, str, Row]]]


def merge(ctx: Context, archive: Archive, converted: Converted, *, vectors: bool, progress: Progress | None) -> Loaded:
    """Add an archive to a cube and return how many rows and memories are new.

    `vectors` is whether the archive's are those of the cube's model, and must be equal. Raises InvalidInputError, and
    ConflictError if others write to the cube all the time.
    """
    for _ in range(_TRIES):
        info = ctx.store.settled(ctx.cube)
        if info is None:
            break
        refuse_loading(ctx.cube, info.loading)
        with scratch(_TABLES, _PURPOSE) as database:
            new = _compared(ctx, info, archive, converted, database, vectors)
            into = replace(info, clock=max(info.clock, archive.head.info.clock), model=info.model or ctx.model)
            loaded = new.counted()
            if not loaded.rows or ctx.store.add_rows(info, partial(new.batches, into, loaded.rows, progress)):
                return loaded
    raise ConflictError(f"cube {ctx.cube!r} was written to while an archive was compared with it; nothing was added")


def new_rows(ctx: Context, archive: Archive, converted: Converted, *, vectors: bool) -> int:
    """Return how many rows of an archive a cube lacks. Raises InvalidInputError where something differs."""
    info = ctx.store.settled(ctx.cube)
    if info is None:
        return archive.checked.total
    with scratch(_TABLES, _PURPOSE) as database:
        return _compared(ctx, info, archive, converted, database, vectors).counted().rows


def _compared(
    ctx: Context, info: CubeInfo, archive: Archive, converted: Converted, database: sqlite3.Connection, vectors: bool
) -> _New:
    """Read the cube and the archive, refuse what does not fit, and return what is new."""
    here, new = _Here(database, vectors), _New(database)
    conflicts: list[str] = []
    with union() as both:
        for kind, row in rows_at(ctx.store, info, info.clock):
            here.note(kind, row)
            both.take(0, kind, row)
        for number, kind, row in converted():
            if isinstance(row, State) and here.was_purged(row.memory_id):
                conflicts.append(f"memory {row.memory_id} was purged here")
            elif isinstance(row, Tombstone) and here.has_memory(row.id):
                conflicts.append(f"memory {row.id} was purged there, and is here")
            elif (said := here.differs(kind, row)) is not None:
                conflicts.append(said)
            elif here.is_new(kind, row) and not conflicts:
                both.take(number, kind, row)
                new.keep(kind, row)
        if conflicts:
            named = list(dict.fromkeys(conflicts))
            more = "" if len(named) <= _NAMED else f" and {len(named) - _NAMED} more"
            raise InvalidInputError(
                f"cube {ctx.cube!r} and the archive have the same ids for what is not equal: "
                f"{'; '.join(named[:_NAMED])}{more}; nothing was imported"
            )
        both.compare()
    return new


class _Here:
    """What the cube holds, by kind, key and hash."""

    def __init__(self, database: sqlite3.Connection, vectors: bool) -> None:
        self._db, self._vectors = database, vectors

    def note(self, kind: str, row: Row) -> None:
        """Note a row of the cube."""
        self._db.execute("INSERT OR IGNORE INTO here VALUES (?, ?, ?)", (kind, _key(row), self._digest(row)))
        if isinstance(row, State):
            self._db.execute("INSERT OR IGNORE INTO here VALUES ('memory', ?, NULL)", (row.memory_id,))

    def has_memory(self, memory_id: str) -> bool:
        """Return whether the cube has a memory."""
        return self._found("memory", memory_id) is not None

    def was_purged(self, memory_id: str) -> bool:
        """Return whether a memory was purged from the cube."""
        return self._found("tombstone", memory_id) is not None

    def is_new(self, kind: str, row: Row) -> bool:
        """Return whether the cube does not have a row; how often its own memories were recalled it knows itself."""
        if isinstance(row, Used) and self.has_memory(row.id):
            return False
        return self._found(kind, _key(row)) is None

    def differs(self, kind: str, row: Row) -> str | None:
        """Return what differs of a row that the cube has otherwise, None if it is equal, or new."""
        found = self._found(kind, _key(row))
        if found is None:
            if isinstance(row, State) and self.has_memory(row.memory_id):
                return f"memory {row.memory_id} has other versions"
            return None
        if kind in ("entity", "usage") or found[0] == self._digest(row):
            return None
        return f"{_name(row)} says something else"

    def _found(self, kind: str, key: str) -> tuple[Any, ...] | None:
        query = "SELECT digest FROM here WHERE kind = ? AND key = ?"
        found: tuple[Any, ...] | None = self._db.execute(query, (kind, key)).fetchone()
        return found

    def _digest(self, row: Row) -> bytes:
        """Return what equal rows have in common. Two parts of a cube tell of one operation each its own half."""
        if isinstance(row, Operation):
            plain: Any = [row.kind, row.recorded_at, row.part_of, row.undoes]
        elif isinstance(row, State) and not self._vectors:
            plain = {**plain_row(row), "embedding": None}
        else:
            plain = plain_row(row)
        return bytes.fromhex(record_hash("", canonical_json(plain)))


class _New:
    """The rows of an archive that the cube does not have, kept until they are written."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def keep(self, kind: str, row: Row) -> None:
        """Keep a row."""
        said = isinstance(row, State) and row.fields["status"] != "logged"
        memory = row.memory_id if isinstance(row, State) else None
        self._db.execute("INSERT INTO new VALUES (?, ?, ?, ?)", (kind, memory, said, pickle.dumps(row, 5)))

    def counted(self) -> Loaded:
        """Return how many rows there are, and of how many memories that say something in all their states."""
        query = (
            "SELECT (SELECT count(*) FROM new),"
            " (SELECT count(*) FROM (SELECT 1 FROM new WHERE memory IS NOT NULL GROUP BY memory HAVING min(said)))"
        )
        return Loaded(*self._db.execute(query).fetchone())

    def batches(self, info: CubeInfo, total: int, progress: Progress | None) -> Iterator[Rows]:
        """Yield the rows in batches; a transaction that is repeated asks for them again."""
        done = 0
        for batch in batches(self._rows(), info):
            yield batch
            done += len(batch)
            if progress is not None:
                progress(done, total)

    def _rows(self) -> Iterator[tuple[str, Row]]:
        for kind, kept in self._db.execute("SELECT kind, row FROM new ORDER BY rowid"):
            yield kind, pickle.loads(kept)  # it was written a moment ago, into a file that nobody else can open


def _key(row: Row) -> str:
    if isinstance(row, State):
        return f"{row.memory_id}/{row.version}"
    if isinstance(row, Edge):
        return canonical_json([*edge_order(row), row.opened_by])
    return row.id


def _name(row: Row) -> str:
    if isinstance(row, State):
        return f"memory {row.memory_id}, version {row.version},"
    if isinstance(row, Edge):
        return f"edge {row.source} -{row.type.value}-> {row.target}"
    named = {Operation: "operation", Source: "source", Entity: "entity", Tombstone: "tombstone"}
    return f"{named.get(type(row), 'usage')} {row.id}"
