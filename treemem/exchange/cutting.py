"""A part of a cube as rows: what a filter chooses, what lies below a memory, what a caller sees, each with its history.

What is not chosen leaves no trace: operations name and count what is in the part alone. A caller's part has what the
verbs that read would tell it, row by row, and no more: of an edge, the times at which it sees both ends; of an
operation that touched something else, neither who nor why; of a source, not its content; no tombstones, no counts of
recalls. What has to be compared is kept in a temporary database on the disk.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from treemem.canonical import canonical_json
from treemem.changes import Edge, EdgeType, NodeKind, Operation, State, memory_ends
from treemem.context import Context
from treemem.errors import ConflictError
from treemem.exchange.archive import plain_row
from treemem.exchange.format import EARLIEST
from treemem.exchange.records import Row
from treemem.exchange.rows import as_of_clock, refuse_changed
from treemem.exchange.scratch import scratch
from treemem.filters import Filter, FilterLike, joined, parse
from treemem.ids import checked_id
from treemem.read.audit import shows
from treemem.read.graph import subtree
from treemem.read.states import VISIBLE, each_page
from treemem.store.protocol import CubeInfo
from treemem.temporal import Moment, format_micros, from_micros

_TABLES = """
CREATE TABLE chosen (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE span (id TEXT, recorded_from INTEGER, recorded_to INTEGER, valid_from INTEGER, valid_to INTEGER,
  opened_by TEXT, closed_by TEXT);
CREATE INDEX span_id ON span (id, recorded_from);
CREATE TABLE edge (num INTEGER PRIMARY KEY, row TEXT);
CREATE TABLE node (kind TEXT, id TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE touched (operation TEXT, what TEXT, memory TEXT);
CREATE INDEX touched_operation ON touched (operation);
"""
#: The times of a memory that an edge of these times, from and to, shares some of.
_SPANS = (
    "SELECT * FROM span WHERE id = ? AND recorded_from < ? AND recorded_to > ? AND valid_from < ? AND valid_to > ? "
    "ORDER BY recorded_from"
)


@dataclass(frozen=True, slots=True)
class Cut:
    """What a part of a cube is cut by. Nothing but a time leaves all names, sources and operations in."""

    filter: Filter | None
    below: str | None
    as_of: int | None
    said: Mapping[str, Any]

    @property
    def chooses(self) -> bool:
        """Whether memories are chosen among those that there are."""
        return self.filter is not None or self.below is not None


def cut_of(ctx: Context, filter: FilterLike | None, below: str | None, as_of: int | None) -> Cut | None:
    """Return what is asked for, None where that is the whole cube. Raises InvalidInputError."""
    said: dict[str, Any] = {}
    wanted = parse(filter)
    if filter is not None:
        plain = isinstance(filter, Mapping)
        said["filter"] = json.loads(json.dumps(filter, default=str)) if plain else str(filter)
    if below is not None:
        said["below"] = checked_id(below, "below")
    if as_of is not None:
        said["as_of"] = format_micros(as_of)
    for name in ("user_id", "session_id"):
        if (value := getattr(ctx.caller, name)) is not None:
            said[name] = value
    return Cut(wanted, below, as_of, said) if said else None


class Part:
    """The rows of a part of a cube as it was known at `clock`, in the order of an archive."""

    def __init__(self, ctx: Context, info: CubeInfo, clock: int, cut: Cut) -> None:
        self._ctx, self._info, self._clock, self._cut = ctx, info, clock, cut
        #: Edges that lead from what is in the part to what is not; of a caller's, such as it sees.
        self.left_out = 0
        #: The last time of the record that shows in the part, known behind its first row.
        self.last = EARLIEST

    def rows(self) -> Iterator[tuple[str, Row]]:
        """Yield (kind, row). Raises ConflictError, behind the last row, if the cube was erased, was purged from or got
        another model meanwhile, and StoreFullError.
        """
        with scratch(_TABLES, "write a cube out") as self._db:
            self._choose()
            looked = self._look()
            yield from self._beside()
            for state in self._states():
                if self._is_chosen(state.memory_id):
                    looked -= 1
                    yield "state", state
            yield from (("edge", _unpacked(row)) for (row,) in self._db.execute("SELECT row FROM edge ORDER BY num"))
            yield from self._usage()
        refuse_changed(self._ctx.store, self._info)
        if looked:
            raise ConflictError(f"cube {self._info.id!r} was purged from while it was written out; write it again")

    def _choose(self) -> None:
        """Note the memories that a filter or a place in the tree choose, at the moment of the part."""
        if not self._cut.chooses:
            return
        now = self._ctx.now()
        moment = Moment(now, self._cut.as_of, self._clock)
        tree = None
        if self._cut.below is not None:
            as_of = None if self._cut.as_of is None else from_micros(self._cut.as_of)
            below = subtree(self._ctx, self._cut.below, None, as_of, from_micros(self._clock))
            tree = {each.item.id for _, each in below.walk()}
        if self._cut.filter is None:
            self._note("chosen", ((each,) for each in tree or ()))
            return
        where = joined(self._cut.filter, self._ctx.visible)
        for page in each_page(self._ctx, moment, VISIBLE, where=where):
            found = (state.memory_id for state in page.states)
            self._note("chosen", ((each,) for each in found if tree is None or each in tree))

    def _look(self) -> int:
        """Note the edges of the part, what they end at, and which operations tell of it; return how many states it has.

        Others than a caller see every memory all the time: only where the part is of one moment, or a caller's, is
        noted when each can be seen, also outside of the part, to tell which edges lead there.
        """
        states = 0
        for state in self._states():
            if self._timed:
                held = state.recorded_from, state.recorded_to, state.valid_from, state.valid_to
                self._note("span", [(state.memory_id, *held, state.opened_by, state.closed_by)])
            if self._is_chosen(state.memory_id):
                states += 1
                self._note_operations("states", state, [state.memory_id])
        for edge in self._edges():
            self._note("edge", [(None, canonical_json(plain_row(edge)))])
            self._note("node", [(edge.target_kind.value, edge.target)])
            self._note_operations("edges", edge, memory_ends(edge))
        return states

    @property
    def _timed(self) -> bool:
        return bool(self._ctx.caller) or self._cut.as_of is not None

    def _note_operations(self, what: str, row: State | Edge, memories: Any) -> None:
        for by, did, at in ((row.opened_by, "opened", row.recorded_from), (row.closed_by, "closed", row.recorded_to)):
            if by is not None:
                self.last = max(self.last, at)
                self._note("touched", [(by, f"{what}_{did}", None), *((by, None, each) for each in memories)])
                parent = by
                while "/" in parent:  # a part of a large operation
                    parent = parent.rpartition("/")[0]
                    if not self._ctx.caller:
                        self._note("touched", [(parent, None, None)])

    def _beside(self) -> Iterator[tuple[str, Row]]:
        store, cube = self._ctx.store, self._info.id
        for operation in store.all_operations(cube):
            found = self._db.execute("SELECT what, memory FROM touched WHERE operation = ?", (operation.id,)).fetchall()
            if found and operation.recorded_at <= self._clock:
                yield "operation", self._told(operation, _Touched.of(found))
        for entity in store.all_entities(cube):
            if self._is_end(NodeKind.ENTITY, entity.id):
                yield "entity", entity
        for source in store.all_sources(cube):
            if self._is_end(NodeKind.SOURCE, source.id):
                yield "source", replace(source, content=None) if self._ctx.caller else source

    def _told(self, operation: Operation, touched: _Touched) -> Operation:
        """Return an operation as it tells of the part."""
        own = replace(
            operation,
            receipt=touched.counts,
            touched=tuple(each for each in operation.touched if each in touched.memories),
        )
        if not self._ctx.caller:
            return own
        seen = (operation.actor is None and operation.reason is None) or shows(self._ctx, operation)
        undone = operation.undoes is not None and self._undone(operation.undoes)
        return replace(
            own,
            actor=operation.actor if seen else None,
            reason=operation.reason if seen else None,
            undoes=operation.undoes if undone else None,
            part_of=None,
            payload_hash="",
            status="done",
        )

    def _undone(self, operation: str) -> bool:
        query = "SELECT 1 FROM touched WHERE operation = ? LIMIT 1"
        return self._db.execute(query, (operation,)).fetchone() is not None

    def _states(self) -> Iterator[State]:
        """Yield the states that are seen, of memories that are not chosen too."""
        for state in self._ctx.store.all_states(self._info.id):
            held = self._cut.as_of is None or state.holds(self._cut.as_of, self._clock)
            if state.recorded_from <= self._clock and held and self._ctx.caller.sees(state):
                yield as_of_clock(state, self._clock)

    def _edges(self) -> Iterator[Edge]:
        """Yield the edges of the part, and count those that lead out of it."""
        for edge in self._ctx.store.all_edges(self._info.id):
            if edge.recorded_from > self._clock:
                continue
            inside = [self._is_chosen(end) for end in memory_ends(edge)]
            if any(inside):
                seen = list(self._seen(as_of_clock(edge, self._clock)))
                if all(inside):
                    yield from seen
                else:
                    self.left_out += bool(seen)

    def _seen(self, edge: Edge) -> Iterator[Edge]:
        """Yield an edge as far as it can be seen: it, or, for a caller, a row for each time of the record at which both
        ends show.
        """
        if not self._timed:
            yield edge
            return
        at = self._cut.as_of
        if at is not None and not (edge.valid_from <= at < edge.valid_to and edge.recorded_to > self._clock):
            return
        spans = [_Span.of(edge)]
        for end in memory_ends(edge):
            spans = [both for one in spans for other in self._spans(end, one) if (both := one.common(other))]
        if not self._ctx.caller:
            if spans:
                yield edge
            return
        for span in _merged(spans):
            yield replace(
                edge,
                recorded_from=span.recorded_from,
                recorded_to=span.recorded_to,
                opened_by=span.opened_by,
                closed_by=span.closed_by,
            )

    def _spans(self, memory_id: str, within: _Span) -> Iterator[_Span]:
        """Yield when a memory is seen within a time."""
        times = within.recorded_to, within.recorded_from, within.valid_to, within.valid_from
        for row in self._db.execute(_SPANS, (memory_id, *times)):
            yield _Span(*row)

    def _usage(self) -> Iterator[tuple[str, Row]]:
        if self._ctx.caller or self._clock < self._info.clock:
            return
        for used in self._ctx.store.all_usage(self._info.id):
            if self._is_chosen(used.id):
                yield "usage", used

    def _is_chosen(self, memory_id: str) -> bool:
        if not self._cut.chooses:
            return True
        return self._db.execute("SELECT 1 FROM chosen WHERE id = ?", (memory_id,)).fetchone() is not None

    def _is_end(self, kind: NodeKind, name: str) -> bool:
        query = "SELECT 1 FROM node WHERE kind = ? AND id = ?"
        return self._db.execute(query, (kind.value, name)).fetchone() is not None

    def _note(self, table: str, rows: Any) -> None:
        marks = {"chosen": "?", "edge": "?, ?", "span": "?, ?, ?, ?, ?, ?, ?", "node": "?, ?", "touched": "?, ?, ?"}[
            table
        ]
        self._db.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({marks})", rows)  # noqa: S608 (a name of ours)


def _unpacked(row: str) -> Edge:
    plain = json.loads(row)
    named = {"type": EdgeType(plain["type"]), "target_kind": NodeKind(plain["target_kind"])}
    return Edge(**{**plain, **named})


class _Touched(NamedTuple):
    """What an operation did within the part."""

    counts: dict[str, int]
    memories: set[str]

    @classmethod
    def of(cls, rows: list[tuple[str | None, str | None]]) -> _Touched:
        counts: dict[str, int] = {}
        for what, _ in rows:
            if what is not None:
                counts[what] = counts.get(what, 0) + 1
        return cls(counts, {memory for _, memory in rows if memory is not None})


class _Span(NamedTuple):
    """The times of a state or an edge, of a memory or of none, with who opened and who closed it."""

    id: str
    recorded_from: int
    recorded_to: int
    valid_from: int
    valid_to: int
    opened_by: str
    closed_by: str | None

    @classmethod
    def of(cls, edge: Edge) -> _Span:
        times = edge.recorded_from, edge.recorded_to, edge.valid_from, edge.valid_to
        return cls("", *times, edge.opened_by, edge.closed_by)

    def common(self, other: _Span) -> _Span | None:
        """Return the times that both have, with who made them begin and end."""
        later = self if self.recorded_from >= other.recorded_from else other
        sooner = self if self.recorded_to <= other.recorded_to else other
        valid_from, valid_to = max(self.valid_from, other.valid_from), min(self.valid_to, other.valid_to)
        if valid_from >= valid_to or later.recorded_from >= sooner.recorded_to:
            return None
        times = later.recorded_from, sooner.recorded_to, valid_from, valid_to
        return _Span("", *times, later.opened_by, sooner.closed_by)


def _merged(spans: list[_Span]) -> list[_Span]:
    """Return spans of the record that lie apart from each other; those that touch or overlap become one."""
    found: list[_Span] = []
    for span in sorted(spans, key=lambda each: (each.recorded_from, each.recorded_to)):
        if found and span.recorded_from <= found[-1].recorded_to:
            if span.recorded_to > found[-1].recorded_to:
                found[-1] = found[-1]._replace(recorded_to=span.recorded_to, closed_by=span.closed_by)
        else:
            found.append(span)
    return found
