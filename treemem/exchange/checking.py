"""The first pass over an archive: every line looked at, alone and against the others, before anything is written.

What has to be compared across lines is kept in a temporary database on the disk, so that memory stays bounded however
long the archive is.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import IO, Any

import numpy as np

from treemem.canonical import canonical_json
from treemem.changes import Edge, Entity, NodeKind, Operation, Source, State
from treemem.checks import shown
from treemem.errors import InvalidInputError, TreememError
from treemem.exchange.format import KINDS, Head, Summed, damaged, head_of, read_lines, record_hash
from treemem.exchange.intervals import Held, ParentEdge, circle, overlap
from treemem.exchange.records import Row, row_of
from treemem.exchange.scratch import scratch
from treemem.store.protocol import Tombstone

_TABLES = """
CREATE TABLE operation (id TEXT PRIMARY KEY, recorded_at INTEGER, kind TEXT) WITHOUT ROWID;
CREATE TABLE node (kind TEXT, id TEXT, num INTEGER, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE tombstone (id TEXT PRIMARY KEY, line INTEGER, purged_at INTEGER, operation TEXT) WITHOUT ROWID;
CREATE TABLE used (id TEXT PRIMARY KEY, line INTEGER) WITHOUT ROWID;
CREATE TABLE edge (type TEXT, source TEXT, kind TEXT, target TEXT, recorded_from INTEGER, recorded_to INTEGER,
  valid_from INTEGER, valid_to INTEGER, line INTEGER);
"""
_BATCH = 1_000
#: Makes the error that names a line and what is wrong with it.
Wrong = Callable[[int, object], InvalidInputError]


@dataclass(frozen=True, slots=True)
class Checked:
    """A sound archive: its head, how many rows it has of each kind, how many memories, its hash if it has one."""

    head: Head
    rows: Mapping[str, int]
    memories: int
    sha256: str | None

    @property
    def total(self) -> int:
        """The number of rows."""
        return sum(self.rows.values())


def check(file: IO[bytes]) -> Checked:
    """Read an archive through and return what it holds; raise InvalidInputError, naming line and reason, if damaged.

    Looked at: JSON, hashes and counts; every field; that what a row refers to is there; that nothing comes twice, that
    no two states or equal edges hold at once, that PARENT is a forest at every moment. Raises StoreFullError if the
    temporary folder has no room.
    """
    with scratch(_TABLES, "check an archive") as database:
        return _Pass(database).run(file)


@contextmanager
def union() -> Iterator[_Pass]:
    """Give what takes the rows of a cube, as line 0, then those of an archive, and compares them. Raises as `check`."""
    with scratch(_TABLES, "check an archive") as database:
        yield _Pass(database, _unfit)


def _unfit(line: int, reason: object) -> InvalidInputError:
    return InvalidInputError(f"{_place(line)}: {reason}; the archive does not fit the cube, nothing was imported")


def _place(line: int) -> str:
    return f"line {line}" if line else "the cube"


class _Pass:
    def __init__(self, database: sqlite3.Connection, wrong: Wrong = damaged) -> None:
        self._db = database
        self._wrong = wrong
        self._counts: Counter[str] = Counter()
        self._memories = 0
        self._last: State | None = None
        self._spans: list[Held] = []
        self._edges: list[tuple[Any, ...]] = []
        self._recorded_at = lru_cache(maxsize=10_000)(self._look_up)

    def run(self, file: IO[bytes]) -> Checked:
        lines = read_lines(file)
        _, first = next(lines, (0, None))
        if first is None:
            raise InvalidInputError("empty, no archive of treemem; dump() writes one")
        head = head_of(first)
        summed = Summed(head.text)
        reached, ended, number = 0, False, 1
        for number, line in lines:
            if ended:
                raise damaged(number, "something stands behind the last line")
            if "end" in line:
                self._end(number, line, head, summed)
                ended = True
                continue
            kind, row = record_of(number, line, head, summed)
            if KINDS.index(kind) < reached:
                raise damaged(number, f"{kind}: comes after {KINDS[reached]} records")
            reached = KINDS.index(kind)
            try:
                self.take(number, kind, row)
            except InvalidInputError as error:
                raise damaged(number, error) from error
        if not ended:
            raise InvalidInputError("the archive ends too early; nothing was loaded. Copy it again")
        self.compare()
        return Checked(head, dict(self._counts), self._memories, summed.hex() if head.version > 1 else None)

    def _end(self, number: int, line: dict[str, Any], head: Head, summed: Summed) -> None:
        count = sum(self._counts.values())
        if type(line["end"]) is not int or line["end"] != count:
            raise damaged(number, f"the last line counts {shown(line['end'])} rows, found {count}")
        wanted: dict[str, Any] = {"end": count}
        if head.cut is not None:
            if type(line.get("left_out")) is not int or line["left_out"] < 0:
                raise damaged(number, f"left_out: wanted a count, found {shown(line.get('left_out'))}")
            wanted["left_out"] = line["left_out"]
            summed.leave_out(line["left_out"])
        if head.version > 1:
            wanted["sha256"] = summed.hex()
        if line != wanted:
            raise damaged(number, "the hash of the whole differs: a line was changed, moved, left out or put in")
        self._close_memory()

    def take(self, number: int, kind: str, row: Row) -> None:
        """Look at a row by itself, and note what has to be compared."""
        self._counts[kind] += 1
        if isinstance(row, Operation):
            self._insert("operation", (row.id, row.recorded_at, row.kind))
        elif isinstance(row, (Entity, Source)):
            self._insert("node", (kind, row.id, None))
        elif isinstance(row, State):
            self._take_state(number, row)
        elif isinstance(row, Edge):
            self._refer(row)
            self._edges.append((row.type.value, row.source, row.target_kind.value, row.target, *_held(row, number)))
            if len(self._edges) == _BATCH:
                self._flush()
        elif isinstance(row, Tombstone):
            self._insert("tombstone", (row.id, number, row.purged_at, row.operation))
        else:
            self._insert("used", (row.id, number))

    def _insert(self, table: str, values: tuple[Any, ...]) -> None:
        marks = ", ".join("?" * len(values))
        try:
            self._db.execute(f"INSERT INTO {table} VALUES ({marks})", values)  # noqa: S608 (a name of ours)
        except sqlite3.IntegrityError:
            raise InvalidInputError(f"{table}: {values[:2]} comes twice") from None

    def _take_state(self, number: int, state: State) -> None:
        self._refer(state)
        if self._last is None or self._last.memory_id != state.memory_id:
            self._close_memory()
            self._memories += 1
            self._insert("node", (NodeKind.MEMORY.value, state.memory_id, self._memories))
        elif state.version <= self._last.version:
            raise InvalidInputError(f"version {state.version} of {state.memory_id} comes after {self._last.version}")
        self._last = state
        self._spans.append(_held(state, number))

    def _close_memory(self) -> None:
        pair = overlap(sorted(self._spans))
        if pair is not None:
            raise damaged(max(pair), f"holds at the same time as the state in line {min(pair)}")
        self._spans = []

    def _refer(self, row: State | Edge) -> None:
        """Refuse a row whose operations are not there, or did not open and close it when it says."""
        for name, by, at in (
            ("opened_by", row.opened_by, row.recorded_from),
            ("closed_by", row.closed_by, row.recorded_to),
        ):
            if by is not None and self._recorded_at(by) != at:
                known = self._recorded_at(by) is not None
                reason = f"was recorded at another time than {at}" if known else "is not in the archive"
                raise InvalidInputError(f"{name}: operation {by} {reason}")

    def _look_up(self, operation: str) -> int | None:
        found = self._db.execute("SELECT recorded_at FROM operation WHERE id = ?", (operation,)).fetchone()
        return None if found is None else int(found[0])

    def _flush(self) -> None:
        self._db.executemany("INSERT INTO edge VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", self._edges)
        self._edges = []

    def compare(self) -> None:
        """Look at what only all the lines together show."""
        self._close_memory()
        self._flush()
        for end, column in (("source", "'memory'"), ("target", "e.kind")):
            lost = self._db.execute(
                f"SELECT e.line, e.{end} FROM edge e WHERE NOT EXISTS (SELECT 1 FROM node n WHERE n.kind = {column} "  # noqa: S608
                f"AND n.id = e.{end}) LIMIT 1"
            ).fetchone()
            if lost is not None:
                raise self._wrong(lost[0], f"edge: its {end} {lost[1]} is not in the archive")
        lost = self._db.execute(
            "SELECT t.line FROM tombstone t WHERE NOT EXISTS (SELECT 1 FROM operation o WHERE o.recorded_at = "
            "t.purged_at AND o.kind = 'purge' AND o.id = coalesce(t.operation, o.id)) LIMIT 1"
        ).fetchone()
        if lost is not None:
            raise self._wrong(lost[0], "tombstone: nothing was purged at that time, or not by that operation")
        lost = self._db.execute(
            "SELECT u.line, u.id FROM used u WHERE NOT EXISTS (SELECT 1 FROM node n WHERE n.kind = 'memory' "
            "AND n.id = u.id) LIMIT 1"
        ).fetchone()
        if lost is not None:
            raise self._wrong(lost[0], f"usage: the memory {lost[1]} is not in the archive")
        same = "the same edge holds at the same time in"
        self._apart("1", "type, source, kind, target", same)
        self._apart("type = 'PARENT'", "target", "the memory has another parent at the same time in")
        line = circle(self._tangled())
        if line is not None:
            raise self._wrong(line, "PARENT: the memory becomes its own ancestor")

    def _apart(self, where: str, key: str, reason: str) -> None:
        times = "recorded_from, recorded_to, valid_from, valid_to, line"
        rows = self._db.execute(f"SELECT {times}, {key} FROM edge WHERE {where} ORDER BY {key}, {times}")  # noqa: S608
        for _, group in groupby(rows, key=lambda row: row[5:]):
            pair = overlap(Held(*row[:5]) for row in group)
            if pair is not None:
                raise self._wrong(max(pair), f"edge: {reason} {_place(min(pair))}")

    def _tangled(self) -> Iterator[ParentEdge]:
        """Yield the PARENT edges among memories that reach each other if time is left aside, as they were recorded."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        query = (
            "SELECT c.num, p.num, e.recorded_from, e.recorded_to, e.valid_from, e.valid_to, e.line FROM edge e "
            "JOIN node c ON c.kind = 'memory' AND c.id = e.target JOIN node p ON p.kind = 'memory' AND p.id = e.source "
            "WHERE e.type = 'PARENT' ORDER BY e.recorded_from"
        )
        rows = self._db.execute(query)
        pairs = np.fromiter(((row[0], row[1]) for row in rows), dtype=np.dtype((np.int64, 2)))
        if not len(pairs):
            return
        size = self._memories + 1
        graph = coo_matrix((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
        _, component = connected_components(graph.tocsr(), directed=True, connection="strong")
        for child, parent, *times in self._db.execute(query):
            if component[child] == component[parent]:
                yield ParentEdge(child, parent, Held(*times))


def record_of(number: int, line: dict[str, Any], head: Head, summed: Summed | None = None) -> tuple[str, Row]:
    """Return the kind and the row of a record's line, or raise InvalidInputError naming the line and the reason."""
    kind = next((name for name in KINDS if name in line), None)
    if kind is None or line.keys() != ({kind} if head.version == 1 else {kind, "sha256"}):
        raise damaged(number, f"wanted a record of {', '.join(KINDS)}, found {shown(sorted(line))}")
    try:
        if head.version > 1:
            digest = record_hash(kind, canonical_json(line[kind]))
            if line["sha256"] != digest:
                raise InvalidInputError(f"{kind}: its hash differs, something in the line was changed")
            if summed is not None:
                summed.add(digest)
        return kind, row_of(kind, line[kind], head.info)
    except (TreememError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise damaged(number, error) from error


def _held(row: State | Edge, line: int) -> Held:
    return Held(row.recorded_from, row.recorded_to, row.valid_from, row.valid_to, line)
