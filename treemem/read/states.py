"""States and edges as a caller sees them: what the verbs that read and change are made of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from treemem.changes import Edge, EdgeType, NodeKind, State, memory_ends
from treemem.contents import is_message, show_background
from treemem.context import Context
from treemem.errors import NotAllowedError, OperationNotFoundError
from treemem.filters import passes
from treemem.items import STATUSES, TextualMemoryItem
from treemem.store.protocol import Page, Touched
from treemem.temporal import Moment

Item = TypeVar("Item", bound=TextualMemoryItem)
#: How many memories a store is asked about at once.
BATCH = 200
VISIBLE = tuple(status for status in STATUSES if status not in ("deleted", "logged"))


def is_loading(ctx: Context) -> bool:
    """Return whether an archive is being loaded into the cube: what asks at no moment must find nothing either."""
    info = ctx.store.cube(ctx.cube)
    return info is not None and info.loading is not None


def each_page(
    ctx: Context, moment: Moment, statuses: Sequence[str], after: str = "", limit: int = 500, **where: Any
) -> Iterator[Page]:
    """Yield the store's pages, all at the moment to which the first one was pinned."""
    while True:
        page = ctx.store.pages(ctx.cube, moment, statuses=statuses, after=after, limit=limit, **where)
        yield page
        if page.cursor is None:
            return
        after, moment = page.cursor, Moment(moment.now, page.valid_at, page.known_at)


def states_at(ctx: Context, ids: Sequence[str], moment: Moment, *, vectors: bool = False) -> list[State]:
    """Return the states that hold at the moment and that the caller may see, in the order of `ids`."""
    found = ctx.store.states(ctx.cube, ids, moment, statuses=VISIBLE, vectors=vectors)
    return [state for state in found if passes(ctx.visible, state)]


def with_backgrounds(ctx: Context, items: Sequence[Item], moment: Moment, cube: str | None = None) -> Sequence[Item]:
    """Show each message that has no background of its own the text of the message before it, and return them.

    That is read at the same moment and by the same caller: what is gone or hidden then is no background.
    """
    told = {i.id: i.metadata for i in items if i.metadata.background is None and is_message(i.metadata.sources)}
    if told:
        found = ctx.store.preceding(cube or ctx.cube, sorted(told), moment, statuses=VISIBLE)
        for memory_id, state in found.items():
            if ctx.caller.sees(state):
                show_background(told[memory_id], str(state.fields["memory"]))
    return items


def batched(ids: Sequence[str]) -> list[Sequence[str]]:
    """Return ids in as many as a store is asked about at once."""
    return [ids[i : i + BATCH] for i in range(0, len(ids), BATCH)]


def derivations(ctx: Context, ids: Sequence[str]) -> list[Edge]:
    """Return the known edges DERIVED_FROM between memories that begin or end at some memories, each once."""
    found: dict[Edge, None] = {}
    for batch in batched(ids):
        found |= dict.fromkeys(ctx.store.edges_ever(ctx.cube, batch, types=[EdgeType.DERIVED_FROM]))
    return [e for e in found if e.closed_by is None and e.target_kind is NodeKind.MEMORY]


def edges_at(
    ctx: Context,
    ids: Sequence[str],
    types: Sequence[EdgeType] | None,
    moment: Moment,
    direction: str = "both",
    statuses: Sequence[str] | None = VISIBLE,
) -> list[Edge]:
    """Return the edges at these memories that hold at the moment, each once; many ids are asked in batches."""
    found: dict[tuple[object, ...], Edge] = {}
    for batch in batched(ids):
        some = ctx.store.edges(ctx.cube, batch, moment, types=types, direction=direction, statuses=statuses)
        found |= {(*e.key, e.valid_from): e for e in some}
    return list(found.values())


def last_versions(ctx: Context, ids: Sequence[str]) -> dict[str, int]:
    """Return the last version of each memory, whatever it says; many ids are asked in batches."""
    versions: dict[str, int] = {}
    for batch in batched(ids):
        for state in ctx.store.history(ctx.cube, batch):
            versions[state.memory_id] = max(state.version, versions.get(state.memory_id, 0))
    return versions


def seen_history(ctx: Context, ids: Sequence[str]) -> list[State]:
    """Return every state of those memories that the caller sees."""
    return [s for s in ctx.store.history(ctx.cube, ids) if ctx.caller.sees(s)]


def histories(ctx: Context, ids: Sequence[str]) -> dict[str, list[State]]:
    """Return every state of each memory, hidden ones too, as a change is planned from them."""
    found: dict[str, list[State]] = {memory_id: [] for memory_id in ids}
    for state in ctx.store.history(ctx.cube, ids):
        found[state.memory_id].append(state)
    return found


def own_known(ctx: Context, memory_id: str, history: Iterable[State]) -> list[State]:
    """Return the states of a memory that are known now and that the caller sees.

    Raises NotAllowedError if one of them is somebody else's, MemoryNotFoundError if the caller sees none.
    """
    known = [s for s in history if s.closed_by is None]
    ctx.caller.require_own(ctx.cube, memory_id, known)
    return [s for s in known if ctx.caller.sees(s)]


def touched_by(ctx: Context, operation: str, *, to_change: bool = False) -> Touched:
    """Return what an operation touched; raises OperationNotFoundError if the caller may not see all of it, and
    NotAllowedError if it is `to_change` and some of it is somebody else's.
    """
    touched = ctx.store.touched(ctx.cube, operation)
    if not ctx.caller:
        return touched
    states = (*touched.states_opened, *touched.states_closed)
    ends = {end for e in (*touched.edges_opened, *touched.edges_closed) for end in memory_ends(e)}
    ends -= {s.memory_id for s in states}
    known = [s for s in seen_history(ctx, sorted(ends)) if s.closed_by is None] if ends else []
    if not (states or ends) or {s.memory_id for s in known} != ends or not all(map(ctx.caller.sees, states)):
        raise OperationNotFoundError(f"no operation {operation!r} in cube {ctx.cube!r}; operations() lists them")
    if to_change:
        sources = {e.source for e in (*touched.edges_opened, *touched.edges_closed)}
        theirs = {s.memory_id for s in (*states, *known) if not ctx.caller.owns(s)}
        if not all(map(ctx.caller.owns, states)) or theirs & sources:
            raise NotAllowedError(f"operation {operation!r}: changed what is somebody else's; {ctx.caller} cannot")
    return touched
