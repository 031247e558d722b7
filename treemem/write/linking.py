"""link, unlink: typed edges between memories."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from functools import partial
from typing import Any

from treemem import planning
from treemem.arguments import alias, edge_named, with_names
from treemem.changes import EdgeAssert, EdgeType, Receipt
from treemem.checks import shown, within
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryNotFoundError, NotAllowedError
from treemem.ids import checked_id
from treemem.read.states import seen_history
from treemem.storable import check_json
from treemem.temporal import END, TimeLike, parse_time
from treemem.write.addition import checked_span
from treemem.write.committing import commit, new_change
from treemem.write.intent import Intent

#: The types of edges that change what their target is, not only what leads to it, or that bind its owner: who purges a
#: text purges what is derived from it, and could not if that was somebody else's.
_OF_BOTH = frozenset({EdgeType.PARENT, EdgeType.SUPERSEDES, EdgeType.MERGED_INTO, EdgeType.DERIVED_FROM})


def require_joinable(ctx: Context, edge: EdgeAssert, among: Collection[str] | None = None) -> None:
    """Raise MemoryNotFoundError unless the caller sees both ends, NotAllowedError unless it may join them.

    With `among`, ends that are not among them are the caller's: it is about to add them. An edge is its source's. One
    that moves, ends, absorbs or binds its target (PARENT, SUPERSEDES, MERGED_INTO, DERIVED_FROM) is both's.
    """
    if not ctx.caller:
        return
    ends = {edge.source, edge.target} & (set(among) if among is not None else {edge.source, edge.target})
    known = [s for s in seen_history(ctx, sorted(ends)) if s.closed_by is None]
    hidden = ends - {s.memory_id for s in known}
    if hidden:
        raise MemoryNotFoundError(f"no memory {min(hidden)!r} in cube {ctx.cube!r}")
    own = {s.memory_id for s in known} - {s.memory_id for s in known if not ctx.caller.owns(s)}
    wanted = ends if edge.type in _OF_BOTH else {edge.source} & ends
    if not wanted <= own:
        raise NotAllowedError(
            f"{edge.type}: memory {min(wanted - own)!r} belongs to somebody else; {ctx.caller} may read it, not "
            "join it so"
        )


def link(
    ctx: Context,
    source: str,
    type: str | EdgeType,
    target: str,
    weight: float,
    confidence: float,
    at: TimeLike | None,
    until: TimeLike | None,
    properties: Mapping[str, Any] | None,
    intent: Intent,
) -> Receipt:
    """See `TreeTextMemory.link`."""
    start, end = checked_span(
        None if at is None else parse_time(at, "at"), END if until is None else parse_time(until, "until")
    )
    edge = EdgeAssert(
        *_ends(source, type, target),
        weight=within("weight", weight, 0, 1_000_000),
        confidence=within("confidence", confidence, 0, 100),
        valid_from=start,
        valid_to=end,
        properties=_named(type, checked_properties(properties)),
    )
    return _change_edge(ctx, "link", edge, intent)


def unlink(
    ctx: Context, source: str, type: str | EdgeType, target: str, at: TimeLike | None, intent: Intent
) -> Receipt:
    """See `TreeTextMemory.unlink`."""
    start = None if at is None else parse_time(at, "at")
    ends = _ends(source, type, target)
    if alias(type) is not None and _holds(ctx, EdgeType(type), source, target):
        ends = EdgeType(type), source, target
    edge = EdgeAssert(*ends, valid_from=start, remove=True, present=True)
    return _change_edge(ctx, "unlink", edge, intent)


def _change_edge(ctx: Context, kind: str, edge: EdgeAssert, intent: Intent) -> Receipt:
    require_joinable(ctx, edge)
    request = [
        kind,
        edge.type,
        edge.source,
        edge.target,
        edge.weight,
        edge.confidence,
        edge.valid_from,
        edge.valid_to,
        *([dict(edge.properties)] if edge.properties else []),
    ]
    base = new_change(ctx, kind, intent, request=request)
    return commit(ctx, base, partial(planning.with_rows, edges=[edge]), repeatable=intent.repeatable)


def memory_edge(value: str | EdgeType) -> tuple[EdgeType, bool]:
    """Return the type of an edge that may be made between two memories, and whether its ends change places.

    Raises InvalidInputError.
    """
    kind, reversed_ = edge_named(value)
    if kind is EdgeType.MENTIONS:
        raise InvalidInputError("type: MENTIONS is derived from the text; list names in `entities` instead")
    return kind, reversed_


def _ends(source: str, type: str | EdgeType, target: str) -> tuple[EdgeType, str, str]:
    """Return the type of an edge between two memories, its source and its target."""
    kind, reversed_ = memory_edge(type)
    ends = checked_id(source, "source"), checked_id(target, "target")
    return kind, *(reversed(ends) if reversed_ else ends)


def _named(type: str | EdgeType, properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of an edge with its name, if that is one of MemOS's and says more than the type it has."""
    return properties if alias(type) is None else with_names(properties, [str(type)])


def _holds(ctx: Context, kind: EdgeType, source: str, target: str) -> bool:
    """Return whether an edge of a type that has one of MemOS's names is there: graphs of others may have brought it."""
    found = ctx.store.edges_ever(ctx.cube, [source], types=[kind])
    return any(e.closed_by is None and (e.source, e.target) == (source, target) for e in found)


def checked_properties(properties: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the properties of an edge as they are kept, or raise InvalidInputError."""
    if properties is None:
        return {}
    if not isinstance(properties, Mapping):
        raise InvalidInputError(f"properties: wanted a dict, found {shown(properties)}")
    check_json(properties, "properties")
    plain: dict[str, Any] = json.loads(json.dumps(properties, default=dict))
    return plain
