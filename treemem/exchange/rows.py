"""Every row of a cube as it was known at one time, in the order in which files of a whole cube have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from treemem.changes import Edge, State, memory_ends
from treemem.errors import ConflictError
from treemem.exchange.records import Row
from treemem.store.protocol import CubeInfo, GraphStore
from treemem.temporal import END

R = TypeVar("R", State, Edge)


def rows_at(store: GraphStore, info: CubeInfo, clock: int, valid_at: int | None = None) -> Iterator[tuple[str, Row]]:
    """Yield (kind, row) as it was known at `clock`: operations, entities, sources, states by memory and version, edges,
    tombstones.

    `info` is the cube as it is when this begins. With `valid_at`, only the states and edges that held then. Of a clock
    before the cube's, only the names and sources come that something known by then ends at. Raises ConflictError,
    behind the last row, if the cube was erased meanwhile, or got another model.
    """
    cube = info.id
    held: set[str] = set()
    ends = None
    if clock < info.clock:
        ends = {(e.target_kind, e.target) for e in store.all_edges(cube) if e.recorded_from <= clock}
    for operation in store.all_operations(cube):
        if operation.recorded_at <= clock:
            yield "operation", operation
    for entity in store.all_entities(cube):
        if ends is None or ("entity", entity.id) in ends:
            yield "entity", entity
    for source in store.all_sources(cube):
        if ends is None or ("source", source.id) in ends:
            yield "source", source
    for state in store.all_states(cube):
        if state.recorded_from <= clock and (valid_at is None or state.holds(valid_at, clock)):
            held.add(state.memory_id)
            yield "state", _as_of(state, clock)
    for edge in store.all_edges(cube):
        if edge.recorded_from <= clock and (valid_at is None or _held(edge, valid_at, clock, held)):
            yield "edge", _as_of(edge, clock)
    for memory_id, purged_at, reason in store.tombstones(cube):
        if purged_at <= clock:
            yield "tombstone", (memory_id, purged_at, reason)
    now = store.cube(cube)
    if now is None or now.clock < info.clock:
        raise ConflictError(f"cube {cube!r} was erased while it was written out; nothing was kept")
    if now.model != info.model:
        raise ConflictError(f"cube {cube!r} got another embedding model while it was written out; write it again")


def _held(edge: Edge, valid_at: int, clock: int, held: set[str]) -> bool:
    at_once = edge.valid_from <= valid_at < edge.valid_to and edge.recorded_from <= clock < edge.recorded_to
    return at_once and held.issuperset(memory_ends(edge))


def _as_of(row: R, clock: int) -> R:
    """Return a row as it was at the clock: what was closed later was open then."""
    if clock < row.recorded_to < END:
        return replace(row, recorded_to=END, closed_by=None)
    return row
