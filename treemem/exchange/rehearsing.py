"""What a cube would say of memories and edges to come: asked before the first of them is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from treemem.changes import ChangeSet, Edge, EdgeType
from treemem.context import Context
from treemem.read.states import BATCH, histories
from treemem.store.resolve import Known, check, memory_ids, resolve
from treemem.temporal import END

#: The last transaction time that there can be, microseconds before the end of all times.
_LAST = END - 1


def rehearse(ctx: Context, additions: Iterable[ChangeSet], links: ChangeSet) -> None:
    """Raise what the store would raise for these additions and then these links, and write nothing.

    The store decides again when they are written: somebody else may write meanwhile.
    """
    info = ctx.store.cube(ctx.cube)
    clock = links.now if info is None else min(max(links.now, info.clock + 1), _LAST)
    known = Known()
    for each in additions:
        _know(ctx, known, memory_ids(each))
        known.versions |= resolve(each, known, clock).versions
    _know(ctx, known, memory_ids(links))
    _know_edges(ctx, known, links)
    check(links, known)
    resolve(links, known, clock)


def _know(ctx: Context, known: Known, ids: Sequence[str]) -> None:
    missing = sorted(set(ids) - known.earlier.keys())
    for start in range(0, len(missing), BATCH):
        for memory_id, states in histories(ctx, missing[start : start + BATCH]).items():
            known.earlier[memory_id] = states
            known.states[memory_id] = [s for s in states if s.closed_by is None]
            if states:
                known.versions[memory_id] = max(s.version for s in states)


def _know_edges(ctx: Context, known: Known, links: ChangeSet) -> None:
    """Read the edges that the links would meet, and the parents above all that get one."""
    keys = {(e.type, e.source, e.target, e.target_kind) for e in links.edges}
    for edge in _edges(ctx, sorted({e.source for e in links.edges}), None):
        if edge.key in keys:
            known.edges.setdefault(edge.key, []).append(edge)
    asked = [e for e in links.edges if e.type is EdgeType.PARENT]
    seen: set[str] = set()
    level = {end for e in asked for end in (e.source, e.target)}
    while level:
        seen |= level
        above = [e for e in _edges(ctx, sorted(level), [EdgeType.PARENT]) if e.target in level]
        known.parents += above
        level = {e.source for e in above} - seen


def _edges(ctx: Context, ids: Sequence[str], types: Sequence[EdgeType] | None) -> list[Edge]:
    found: dict[Edge, None] = {}
    for start in range(0, len(ids), BATCH):
        found |= dict.fromkeys(ctx.store.edges_ever(ctx.cube, ids[start : start + BATCH], types=types))
    return [edge for edge in found if edge.closed_by is None]
