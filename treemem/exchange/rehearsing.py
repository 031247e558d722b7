"""What a cube would say of memories and edges to come: asked before the first of them is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from treemem.canonical import canonical_json
from treemem.changes import ChangeSet, Edge, EdgeAssert, EdgeType, State
from treemem.context import Context
from treemem.errors import InvalidChangeError, InvalidInputError, MemoryExistsError, TreememError
from treemem.read.states import BATCH, histories
from treemem.store.resolve import Known, check, resolve
from treemem.temporal import END
from treemem.write.linking import require_joinable

#: The last transaction time that there can be, microseconds before the end of all times.
_LAST = END - 1


def rehearse(
    ctx: Context,
    additions: Sequence[ChangeSet],
    links: ChangeSet,
    refused: Callable[[str, TreememError], None],
) -> tuple[list[ChangeSet], list[EdgeAssert], int]:
    """Return the additions and the edges that the store would take, and how many memories are new; nothing is written.

    The others go to `refused`, which may raise what it is given. Edges that are there, or were once, at the time asked
    for are left as they are, without a word. What an undo took out of the cube is new again. The store decides again
    when all is written: somebody else may write meanwhile.
    """
    info = ctx.store.cube(ctx.cube)
    clock = links.now if info is None else min(max(links.now, info.clock + 1), _LAST)
    there = _states(ctx, sorted({s.memory_id for each in additions for s in each.states}))
    fitting, gone, new = [], set(), 0
    for each in additions:
        own = {s.memory_id: there[s.memory_id] for s in each.states if there.get(s.memory_id)}
        try:
            resolve(each, _known(own), clock)
        except (MemoryExistsError, InvalidInputError) as error:
            gone |= {s.memory_id for s in each.states}
            refused(each.states[0].memory_id, error)
            continue
        fitting.append(each)
        new += not any(state.closed_by is None for states in own.values() for state in states)
    before = {memory_id for memory_id, states in there.items() if any(s.closed_by is None for s in states)}
    edges = _fitting_edges(ctx, links, before, gone, refused)
    ends = {memory_id: there.get(memory_id, ()) for edge in edges for memory_id in (edge.source, edge.target)}
    known = _known({i: states for i, states in ends.items() if states})
    known.versions |= {i: known.versions.get(i, 1) for i in ends}
    _know_edges(ctx, known, edges, before)
    while True:
        taken = replace(links, edges=tuple(edges))
        try:
            check(taken, known)
            resolve(taken, known, clock)
        except InvalidChangeError as error:
            wrong = next((edge for edge in edges if _is_named(edge, error)), None)
            if wrong is None:
                raise
            refused(_where(wrong), error)
            edges.remove(wrong)
        else:
            return fitting, edges, new


def _where(edge: EdgeAssert) -> str:
    return f"{edge.source} -{edge.type}-> {edge.target}"


def _is_named(edge: EdgeAssert, error: InvalidChangeError) -> bool:
    """Return whether an edge is the one that would give a second parent, or close a circle."""
    named = error.memories
    ends = (edge.source, edge.target)
    return edge.type is EdgeType.PARENT and bool(named) and (edge.target == named[0] or ends == named)


def _fitting_edges(
    ctx: Context,
    links: ChangeSet,
    before: set[str],
    gone: set[str],
    refused: Callable[[str, TreememError], None],
) -> list[EdgeAssert]:
    """Return the edges whose ends are taken, that the caller may make, and that were never there."""
    recorded: dict[tuple[EdgeType, str, str], list[Edge]] = {}
    for edge in _edges(ctx, sorted(before & {edge.source for edge in links.edges}), None):
        recorded.setdefault((edge.type, edge.source, edge.target), []).append(edge)
    found = []
    for ask in links.edges:
        where = _where(ask)
        try:
            if {ask.source, ask.target} & gone:
                raise InvalidInputError(f"{where}: one of its ends is left out")
            if {ask.source, ask.target} & before:
                require_joinable(ctx, ask, before)
            since = links.now if ask.valid_from is None else ask.valid_from
            if ask.valid_to <= since:
                raise InvalidInputError(f"{where}: ends before it begins")
            every = recorded.get((ask.type, ask.source, ask.target), ())
            there = [edge for edge in every if edge.valid_from < ask.valid_to and since < edge.valid_to]
            if any(_differs(edge, ask) for edge in there):
                raise InvalidInputError(f"{where}: is there already and says something else; link() changes it")
        except TreememError as error:
            refused(where, error)
            continue
        if not there:
            found.append(ask)
    return found


def _differs(edge: Edge, ask: EdgeAssert) -> bool:
    """Return whether an edge of the same time that is known now says something else."""
    said = (edge.weight, edge.confidence, canonical_json(edge.properties))
    return edge.closed_by is None and said != (ask.weight, ask.confidence, canonical_json(ask.properties))


def _states(ctx: Context, ids: Sequence[str]) -> dict[str, list[State]]:
    """Return every state, ever, of memories, by their ids; none of those that are not there."""
    found: dict[str, list[State]] = {}
    for start in range(0, len(ids), BATCH):
        found |= histories(ctx, ids[start : start + BATCH])
    return found


def _known(states: Mapping[str, Sequence[State]]) -> Known:
    known = Known()
    for memory_id, every in states.items():
        known.earlier[memory_id] = list(every)
        known.states[memory_id] = [state for state in every if state.closed_by is None]
        known.versions[memory_id] = max(state.version for state in every)
    return known


def _know_edges(ctx: Context, known: Known, edges: Sequence[EdgeAssert], before: set[str]) -> None:
    """Read the edges that the new ones would meet, and the parents above all that get one."""
    keys = {(e.type, e.source, e.target, e.target_kind) for e in edges}
    for edge in _edges(ctx, sorted({e.source for e in edges} & before), None):
        if edge.closed_by is None and edge.key in keys:
            known.edges.setdefault(edge.key, []).append(edge)
    seen: set[str] = set()
    level = {end for e in edges if e.type is EdgeType.PARENT for end in (e.source, e.target)} & before
    while level:
        seen |= level
        found = _edges(ctx, sorted(level), [EdgeType.PARENT])
        above = [e for e in found if e.closed_by is None and e.target in level]
        known.parents += above
        level = {e.source for e in above} - seen


def _edges(ctx: Context, ids: Sequence[str], types: Sequence[EdgeType] | None) -> list[Edge]:
    """Return every edge ever recorded at these memories."""
    found: dict[Edge, None] = {}
    for start in range(0, len(ids), BATCH):
        found |= dict.fromkeys(ctx.store.edges_ever(ctx.cube, ids[start : start + BATCH], types=types))
    return list(found)
