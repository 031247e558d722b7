"""Every row of a cube as it was known at one time, in the order in which files of a whole cube have them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from treemem.changes import Edge, NodeKind, State, memory_ends
from treemem.errors import ConflictError
from treemem.exchange.records import Row
from treemem.exchange.scratch import scratch
from treemem.store.protocol import CubeInfo, GraphStore
from treemem.temporal import END

_TABLE = "CREATE TABLE noted (kind TEXT, id TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID"
R = TypeVar("R", State, Edge)


def rows_at(store: GraphStore, info: CubeInfo, clock: int, valid_at: int | None = None) -> Iterator[tuple[str, Row]]:
    """Yield (kind, row) as it was known at `clock`: operations, entities, sources, states by memory and version, edges,
    tombstones, usage; each kind in one order on both stores.

    `info` is the cube as it is when this begins. With `valid_at`, only the states and edges that held then. Names and
    sources have no time of their own: those come that an edge known at the clock ends at, so that nothing shows of what
    others write meanwhile. Raises ConflictError, behind the last row, as `refuse_changed` does, and StoreFullError.
    """
    cube = info.id
    with scratch(_TABLE, "write a cube out") as database:
        noted = _Noted(database)
        noted.add((e.target_kind, e.target) for e in store.all_edges(cube) if _names(e) and e.recorded_from <= clock)
        for operation in store.all_operations(cube):
            if operation.recorded_at <= clock:
                yield "operation", operation
        for entity in store.all_entities(cube):
            if noted.has(NodeKind.ENTITY, entity.id):
                yield "entity", entity
        for source in store.all_sources(cube):
            if noted.has(NodeKind.SOURCE, source.id):
                yield "source", source
        for state in store.all_states(cube):
            if state.recorded_from <= clock and (valid_at is None or state.holds(valid_at, clock)):
                if valid_at is not None:
                    noted.add([(NodeKind.MEMORY, state.memory_id)])
                yield "state", as_of_clock(state, clock)
        for edge in store.all_edges(cube):
            if edge.recorded_from <= clock and (valid_at is None or _held(edge, valid_at, clock, noted)):
                yield "edge", as_of_clock(edge, clock)
        for tombstone in store.tombstones(cube):
            if tombstone.purged_at <= clock:
                yield "tombstone", tombstone
        if clock >= info.clock:  # how often a memory had been recalled at an earlier time is not known
            for used in store.all_usage(cube):
                if valid_at is None or noted.has(NodeKind.MEMORY, used.id):
                    yield "usage", used
    refuse_changed(store, info)


def refuse_changed(store: GraphStore, info: CubeInfo) -> None:
    """Raise ConflictError if the cube was erased since it was `info`, or got another model: what was read meanwhile is
    of both.
    """
    now = store.cube(info.id)
    if now is None or now.clock < info.clock:
        raise ConflictError(f"cube {info.id!r} was erased while it was written out; nothing was kept")
    if now.model != info.model:
        raise ConflictError(f"cube {info.id!r} got another embedding model while it was written out; write it again")


class _Noted:
    """Nodes by kind and id."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def add(self, nodes: Iterable[tuple[NodeKind, str]]) -> None:
        """Note nodes; those that are noted stay so."""
        self._db.executemany("INSERT OR IGNORE INTO noted VALUES (?, ?)", nodes)

    def has(self, kind: NodeKind, name: str) -> bool:
        """Return whether a node was noted."""
        found = self._db.execute("SELECT 1 FROM noted WHERE kind = ? AND id = ?", (kind, name))
        return found.fetchone() is not None


def _names(edge: Edge) -> bool:
    return edge.target_kind is not NodeKind.MEMORY


def _held(edge: Edge, valid_at: int, clock: int, noted: _Noted) -> bool:
    at_once = edge.valid_from <= valid_at < edge.valid_to and edge.recorded_from <= clock < edge.recorded_to
    return at_once and all(noted.has(NodeKind.MEMORY, end) for end in memory_ends(edge))


def as_of_clock(row: R, clock: int) -> R:
    """Return a row as it was at the clock: what was closed later was open then."""
    if clock < row.recorded_to < END:
        return replace(row, recorded_to=END, closed_by=None)
    return row
