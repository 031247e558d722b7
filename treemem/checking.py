"""Invariants of a stored cube, and the hash of what it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from treemem.canonical import encode_vectors, farthest_norm, set_hash
from treemem.changes import Edge, EdgeType, NodeKind, State
from treemem.store.protocol import CubeInfo, GraphStore
from treemem.temporal import Interval


def check(store: GraphStore, cube: str) -> list[str]:
    """Return a line for every broken invariant of a cube; an empty list means that it is sound.

    Looked at: overlapping validity at one transaction time, empty intervals, transaction times beyond the clock,
    vectors of another dimension or norm, PARENT with two parents or a cycle, and rows that hang in the air.
    """
    info = store.cube(cube)
    if info is None:
        return []
    problems = list(store.dangling(cube))
    late: list[State | Edge] = []
    for memory_id, states in groupby(store.all_states(cube), key=lambda s: s.memory_id):
        many = list(states)
        problems += _memory_problems(info, memory_id, many)
        late += [s for s in many if s.recorded_from > info.clock]
    edges: dict[Any, list[Edge]] = defaultdict(list)
    for edge in store.all_edges(cube):
        edges[edge.key].append(edge)
    for key, rows in edges.items():
        problems += [f"edge {key[:3]}: {line}" for line in _interval_problems(rows)]
        late += [e for e in rows if e.recorded_from > info.clock]
    problems += _forest_problems(e for rows in edges.values() for e in rows)
    after = store.settled(cube)  # others may have written while this read
    clock = info.clock if after is None else after.clock
    for row in (row for row in late if row.recorded_from > clock):
        what = f"memory {row.memory_id}" if isinstance(row, State) else f"edge {row.key[:3]}"
        problems.append(f"{what}: recorded after the cube's clock, by {row.opened_by}")
    return problems


def _memory_problems(info: CubeInfo, memory_id: str, states: list[State]) -> Iterator[str]:
    for line in _interval_problems(states):
        yield f"memory {memory_id}: {line}"
    for state in states:
        vectors = state.content.vectors
        far = farthest_norm(vectors)
        if info.model is not None and vectors.shape[1] != info.model.dimension:
            found = f"{vectors.shape[1]} dimensions, not {info.model.dimension}"
            yield f"memory {memory_id} version {state.version}: {found}"
        elif not abs(far - 1.0) <= 1e-3:
            yield f"memory {memory_id} version {state.version}: its vector has norm {far:.4f}"


def _interval_problems(rows: list[Any]) -> Iterator[str]:
    for row in rows:
        if row.valid_from >= row.valid_to or row.recorded_from >= row.recorded_to:
            yield f"an empty interval, opened by {row.opened_by}"
    for i, one in enumerate(rows):
        for other in rows[i + 1 :]:
            if (
                one.valid_from < other.valid_to
                and other.valid_from < one.valid_to
                and one.recorded_from < other.recorded_to
                and other.recorded_from < one.recorded_to
            ):
                yield f"two states hold at once, opened by {one.opened_by} and {other.opened_by}"


def _forest_problems(edges: Iterable[Edge]) -> Iterator[str]:
    into: dict[str, list[Edge]] = defaultdict(list)
    for edge in edges:
        if edge.type is EdgeType.PARENT and edge.closed_by is None:
            into[edge.target].append(edge)
    for child, parents in into.items():
        for i, one in enumerate(parents):
            if any(one.interval.overlaps(other.interval) for other in parents[i + 1 :]):
                yield f"memory {child}: two parents at one time"
        if _is_own_ancestor(child, into):
            yield f"memory {child}: is its own ancestor"


def _is_own_ancestor(child: str, into: dict[str, list[Edge]]) -> bool:
    seen: set[tuple[str, Interval]] = set()
    frontier = [(edge.source, edge.interval) for edge in into[child]]
    while frontier:
        node, span = frontier.pop()
        if node == child:
            return True
        if (node, span) in seen:
            continue
        seen.add((node, span))
        frontier += [
            (up.source, Interval(max(up.valid_from, span.start), min(up.valid_to, span.end)))
            for up in into.get(node, ())
            if up.interval.overlaps(span)
        ]
    return False


def content_hash(store: GraphStore, cube: str, known_at: int | None = None) -> str:
    """Return a hash of what a cube says at a transaction time (default: now), over all valid times.

    Versions, recorded times and operation ids are left out, so that it is equal after an undo and between stores.
    """
    return set_hash(_said(store, cube, known_at))


def _said(store: GraphStore, cube: str, known_at: int | None) -> Iterator[list[Any]]:
    def known(row: State | Edge) -> bool:
        if known_at is None:
            return row.closed_by is None
        return row.recorded_from <= known_at < row.recorded_to

    for state in store.all_states(cube):
        if known(state):
            vectors = encode_vectors(state.content.vectors)
            yield ["state", state.memory_id, dict(state.fields), state.valid_from, state.valid_to, vectors]
    for edge in store.all_edges(cube):
        if known(edge):
            kind = NodeKind(edge.target_kind).value
            ends = [edge.source, kind, edge.target]
            said = [dict(edge.properties)] if edge.properties else []
            yield ["edge", edge.type.value, *ends, edge.weight, edge.confidence, edge.valid_from, edge.valid_to, *said]
