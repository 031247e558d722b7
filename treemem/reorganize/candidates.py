"""Which memories to look at: those that changed since the last run, each with its nearest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from treemem.changes import Operation, State
from treemem.store.protocol import GraphStore
from treemem.temporal import Moment

#: The operation that closes a run; its reason holds the time up to which changes were looked at.
RUN = "reorganized"
#: The operation that tells of a run that failed; its reason says why.
RUN_FAILED = "reorganize_failed"
ACTION = "reorganize"
#: Operations of the reorganizer itself, which give it nothing to look at.
OWN = (RUN, RUN_FAILED, ACTION)
_PAGE = 200
_BATCH = 200


@dataclass(frozen=True, slots=True)
class Pair:
    """Two memories whose vectors are near."""

    one: State
    other: State
    cosine: float


def watermark(store: GraphStore, cube: str) -> int | None:
    """Return up to when changes were looked at (microseconds), None if there was no run."""
    for operation in operations(store, cube):
        if operation.kind == RUN and operation.reason is not None:
            found: int = json.loads(operation.reason)["until"]
            return found
    return None


def operations(store: GraphStore, cube: str, since: int | None = None) -> Iterator[Operation]:
    """Yield a cube's operations, those after a time alone if one is given, newest first and each once."""
    until = None
    seen: set[str] = set()
    while True:
        some = store.operations(cube, since=None if since is None else since + 1, until=until, limit=_PAGE)
        yield from (operation for operation in some if operation.id not in seen)
        seen = {operation.id for operation in some}
        if len(some) < _PAGE or some[-1].recorded_at == until:
            return
        until = some[-1].recorded_at


def changed(store: GraphStore, cube: str, since: int, moment: Moment) -> Iterator[State]:
    """Yield the memories that hold now and were changed after a time, by anyone but the reorganizer."""
    ids: set[str] = set()
    for operation in operations(store, cube, since):
        if operation.kind in OWN:
            continue
        parts = store.operations(cube, part_of=operation.id, limit=1_000_000)
        for one in parts or [operation]:
            ids |= {state.memory_id for state in store.touched(cube, one.id).states_opened}
    wanted = sorted(ids)
    for start in range(0, len(wanted), _BATCH):
        yield from store.states(cube, wanted[start : start + _BATCH], moment, vectors=True)


def pairs(
    store: GraphStore, cube: str, states: list[State], moment: Moment, *, neighbours: int, least: float
) -> Iterator[Pair]:
    """Yield each pair of a changed memory and one of its nearest once, with a cosine of at least `least`."""
    seen: set[tuple[str, str]] = set()
    for start in range(0, len(states), _BATCH):
        some = [s for s in states[start : start + _BATCH] if s.embedding is not None]
        found = store.neighbours(cube, [s.content.embedding for s in some], neighbours + 1, moment)
        near = {other for each in found for other, cosine in each if cosine >= least}
        known = {s.memory_id: s for s in store.states(cube, sorted(near), moment, vectors=True)}
        for state, each in zip(some, found, strict=True):
            for other, cosine in each:
                key = (min(state.memory_id, other), max(state.memory_id, other))
                if other != state.memory_id and cosine >= least and other in known and key not in seen:
                    seen.add(key)
                    yield Pair(state, known[other], cosine)
