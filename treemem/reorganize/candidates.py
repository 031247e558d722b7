"""Which memories to look at: those that changed since the last run, each with its nearest."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from treemem.changes import ACTION, RUN, RUN_FAILED, Operation, State
from treemem.store.protocol import ReadStore
from treemem.temporal import Moment

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


def watermark(store: ReadStore, cube: str) -> int | None:
    """Return up to when changes were looked at (microseconds), None if there was no run."""
    for operation in operations(store, cube):
        if operation.kind == RUN and operation.reason is not None:
            found: int = json.loads(operation.reason)["until"]
            return found
    return None


def operations(store: ReadStore, cube: str, since: int | None = None, *, parts: bool = False) -> Iterator[Operation]:
    """Yield a cube's operations, those after a time alone if one is given, newest first and each once.

    With `parts` also those of batches: each has a time of its own, later than that of the batch it belongs to.
    """
    first = None if since is None else since + 1
    until = None
    seen: set[str] = set()
    while True:
        some = store.operations(cube, since=first, until=until, parts=parts, limit=_PAGE)
        fresh = [operation for operation in some if operation.id not in seen]
        yield from fresh
        seen = {operation.id for operation in some}
        if len(some) < _PAGE or not fresh:
            return
        until = some[-1].recorded_at + 1  # a batch has the time of its first part: both are on one page or the next


def changed(store: ReadStore, cube: str, since: int, moment: Moment) -> Iterator[State]:
    """Yield the memories that hold now and were changed after a time, by anyone but the reorganizer."""
    ids: set[str] = set()
    for operation in operations(store, cube, since, parts=True):
        if operation.kind not in OWN:
            ids |= {state.memory_id for state in store.touched(cube, operation.id).states_opened}
    wanted = sorted(ids)
    for start in range(0, len(wanted), _BATCH):
        yield from store.states(cube, wanted[start : start + _BATCH], moment, vectors=True)


def pairs(
    store: ReadStore, cube: str, states: list[State], moment: Moment, *, neighbours: int, least: float
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
