"""Every row of a cube as it was known at one time, in the order in which files of a whole cube have them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TypeVar

from treemem.changes import Edge, State, memory_ends
from treemem.exchange.records import Row
from treemem.store.protocol import CubeInfo, GraphStore
from treemem.temporal import END

R = TypeVar("R", State, Edge)


def rows_at(
    store: GraphStore, info: CubeInfo, *, valid_at: int | None = None, past: bool = False
) -> Iterator[tuple[str, Row]]:
    """Yield (kind, row) as it was known at `info.clock`: operations, entities, sources, states by memory and version,
    edges, tombstones.

    With `valid_at`, only the states and edges that held then. `past` says that the cube has changed since that clock:
    then only the names and sources come that something known by then ends at.
    """
    cube, clock = info.id, info.clock
    held: set[str] = set()
    ends = {(e.target_kind, e.target) for e in store.all_edges(cube) if e.recorded_from <= clock} if past else None
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


def _held(edge: Edge, valid_at: int, clock: int, held: set[str]) -> bool:
    at_once = edge.valid_from <= valid_at < edge.valid_to and edge.recorded_from <= clock < edge.recorded_to
    return at_once and held.issuperset(memory_ends(edge))


def _as_of(row: R, clock: int) -> R:
    """Return a row as it was at the clock: what was closed later was open then."""
    if clock < row.recorded_to < END:
        return replace(row, recorded_to=END, closed_by=None)
    return row
