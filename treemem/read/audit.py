"""history, operations, diff, stats, check, content_hash: what happened to a cube."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import islice

from treemem import checking
from treemem.changes import NodeKind, Operation, State, memory_ends
from treemem.checks import within
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryNotFoundError, OperationNotFoundError
from treemem.filters import passes
from treemem.ids import checked_id
from treemem.read.states import BATCH, VISIBLE, each_page, edges_at, is_loading, seen_history, touched_by
from treemem.records import MemoryDiff, MemoryVersion, OperationRecord, Statistics
from treemem.store.shared import refuse_loading
from treemem.temporal import TimeLike, format_micros, parse_time

_MANY = 1_000_000


def history(ctx: Context, memory_id: str) -> list[MemoryVersion]:
    """See `TreeTextMemory.history`."""
    states = seen_history(ctx, [checked_id(memory_id)])
    if not states or is_loading(ctx):
        raise MemoryNotFoundError(f"no memory {memory_id!r} in cube {ctx.cube!r}; it has no history")
    ids = {s.opened_by for s in states} | {s.closed_by for s in states if s.closed_by is not None}
    found = ctx.store.operations(ctx.cube, ids=sorted(ids), limit=len(ids))
    operations = {o.id: o if shows(ctx, o) else replace(o, reason=None, actor=None) for o in found}
    return [MemoryVersion.of(state, operations) for state in states]


def operations(ctx: Context, since: TimeLike | None, until: TimeLike | None, limit: int) -> list[OperationRecord]:
    """See `TreeTextMemory.operations`."""
    within("limit", limit, 1, _MANY)
    if is_loading(ctx):
        return []
    found = ctx.store.operations(
        ctx.cube,
        since=None if since is None else parse_time(since, "since"),
        until=None if until is None else parse_time(until, "until"),
        limit=limit if ctx.visible is None else _MANY,
    )
    return [OperationRecord.of(o) for o in islice(filter(partial(shows, ctx), found), limit)]


def shows(ctx: Context, operation: Operation) -> bool:
    """Return whether the caller may see all that an operation touched."""
    if ctx.visible is None:
        return True
    parts = ctx.store.operations(ctx.cube, part_of=operation.id, limit=_MANY)
    try:
        for one in parts or [operation]:
            touched_by(ctx, one.id)
    except OperationNotFoundError:
        return False
    return True


def diff(ctx: Context, known_at_1: TimeLike, known_at_2: TimeLike | None) -> MemoryDiff:
    """See `TreeTextMemory.diff`."""
    info = ctx.store.settled(ctx.cube)
    first = parse_time(known_at_1, "known_at_1")
    clock = first if info is None else info.clock
    second = clock if known_at_2 is None else parse_time(known_at_2, "known_at_2")
    if first > second:
        raise InvalidInputError(
            f"known_at_1: {format_micros(first)} lies after known_at_2, {format_micros(second)}; swap them"
        )
    ids = [] if info is None or info.loading is not None else sorted(_changed(ctx, first, second))
    before: dict[str, list[State]] = {}
    after: dict[str, list[State]] = {}
    for at, into in ((first, before), (second, after)):
        for state in ctx.store.known(ctx.cube, ids, at):
            if passes(ctx.visible, state):
                into.setdefault(state.memory_id, []).append(state)
    return MemoryDiff.of(first, second, ids, before, after)


def _changed(ctx: Context, first: int, second: int) -> set[str]:
    """Return the memories of which some state was opened or closed after `first`, up to `second`."""
    found: set[str] = set()
    for one in ctx.store.operations(ctx.cube, since=first + 1, until=second + 1, parts=True, limit=_MANY):
        touched = ctx.store.touched(ctx.cube, one.id)
        found |= {s.memory_id for s in (*touched.states_opened, *touched.states_closed)}
    return found


def stats(ctx: Context) -> Statistics:
    """See `TreeTextMemory.stats`."""
    info = ctx.store.cube(ctx.cube)
    counts = _seen_counts(ctx) if ctx.caller else ctx.store.counts(ctx.cube)
    counts["memories"] -= counts.pop("logged", 0)
    if info is not None and info.loading is not None:
        counts = dict.fromkeys(counts, 0)
    return Statistics.of(ctx.cube, ctx.store.location, info, counts)


def _seen_counts(ctx: Context) -> dict[str, int]:
    ids: list[str] = []
    for page in each_page(ctx, ctx.moment(None, None), VISIBLE, where=ctx.visible):
        ids += [state.memory_id for state in page.states]
    shown = set(ids)
    edges = edges_at(ctx, ids, None, ctx.moment(None, None), "out")
    edges = [e for e in edges if shown.issuperset(memory_ends(e))]
    ends = {kind: {e.target for e in edges if e.target_kind is kind} for kind in NodeKind}
    return {
        "memories": len(ids),
        "states": sum(len(seen_history(ctx, ids[i : i + BATCH])) for i in range(0, len(ids), BATCH)),
        "edges": len(edges),
        "entities": len(ends[NodeKind.ENTITY]),
        "sources": len(ends[NodeKind.SOURCE]),
        "operations": len(operations(ctx, None, None, _MANY)),
    }


def _refuse_loading(ctx: Context) -> None:
    """Raise StoreUnavailableError where what is read is not whole yet."""
    info = ctx.store.cube(ctx.cube)
    refuse_loading(ctx.cube, None if info is None else info.loading)


def check(ctx: Context) -> list[str]:
    """See `TreeTextMemory.check`."""
    ctx.caller.require_whole_cube("check")
    _refuse_loading(ctx)
    return checking.check(ctx.store, ctx.cube)


def content_hash(ctx: Context, known_at: TimeLike | None) -> str:
    """See `TreeTextMemory.content_hash`."""
    ctx.caller.require_whole_cube("content_hash")
    _refuse_loading(ctx)
    return checking.content_hash(ctx.store, ctx.cube, None if known_at is None else parse_time(known_at, "known_at"))
