"""get, get_by_ids, get_all, get_working_memory, pages: memories at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from treemem.arguments import types_filter
from treemem.changes import Edge
from treemem.checks import among, within
from treemem.contents import item_of
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.filters import FilterLike, joined, parse
from treemem.ids import checked_id
from treemem.items import STATUSES, TextualMemoryItem
from treemem.read.states import VISIBLE, each_page, states_at, with_backgrounds
from treemem.records import MemoryPage
from treemem.store.protocol import Page
from treemem.temporal import END, Moment, TimeLike, from_micros


def get(ctx: Context, memory_id: str, as_of: TimeLike | None, known_at: TimeLike | None) -> TextualMemoryItem:
    """See `TreeTextMemory.get`."""
    found = get_by_ids(ctx, [memory_id], as_of, known_at)
    if not found:
        raise MemoryNotFoundError(
            f"no memory {memory_id!r} in cube {ctx.cube!r} at that moment; history() shows every state"
        )
    return found[0]


def get_by_ids(
    ctx: Context, ids: Iterable[str], as_of: TimeLike | None, known_at: TimeLike | None
) -> list[TextualMemoryItem]:
    """See `TreeTextMemory.get_by_ids`."""
    wanted = [checked_id(i) for i in ids]
    moment = ctx.moment(as_of, known_at)
    items = [item_of(state) for state in states_at(ctx, wanted, moment, vectors=True)]
    return list(with_backgrounds(ctx, items, moment))


def pages(
    ctx: Context,
    as_of: TimeLike | None,
    known_at: TimeLike | None,
    filter: FilterLike | None,
    memory_types: Sequence[str] | None,
    statuses: Sequence[str],
    cursor: str | None,
    limit: int,
) -> Iterator[MemoryPage]:
    """See `TreeTextMemory.pages`."""
    moment = ctx.moment(as_of, known_at)
    after = ""
    if cursor is not None:
        moment, after = _read_cursor(cursor, moment.now)
    within("limit", limit, 1, 10_000)
    where = joined(parse(filter), types_filter(memory_types), ctx.visible)
    wanted = among("statuses", statuses, STATUSES)

    def each(after: str) -> Iterator[MemoryPage]:
        for page in each_page(ctx, moment, wanted, after, int(limit), where=where, vectors=True):
            if page.states or not after:
                items = [item_of(s) for s in page.states]
                pinned = Moment(moment.now, page.valid_at, page.known_at)
                yield MemoryPage(tuple(with_backgrounds(ctx, items, pinned)), _cursor(page))
            after = page.cursor or after

    return each(after)


def get_working_memory(ctx: Context, as_of: TimeLike | None, known_at: TimeLike | None) -> list[TextualMemoryItem]:
    """See `TreeTextMemory.get_working_memory`."""
    working = pages(ctx, as_of, known_at, None, ["WorkingMemory"], VISIBLE, None, 500)
    return [item for page in working for item in page.items]


def get_all(
    ctx: Context, as_of: TimeLike | None, known_at: TimeLike | None, *, vectors: bool = True
) -> dict[str, list[dict[str, Any]]]:
    """See `TreeTextMemory.get_all`; without `vectors` no memory has its embedding."""
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, Any]] = []
    for some, leaving in graph_pages(ctx, as_of, known_at, vectors=vectors):
        nodes += some
        edges += leaving
    shown = {node["id"] for node in nodes}
    return {"nodes": nodes, "edges": [e for e in edges if e["target_kind"] != "memory" or e["target"] in shown]}


def graph_pages(
    ctx: Context, as_of: TimeLike | None, known_at: TimeLike | None, *, vectors: bool = True
) -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Yield some memories at a time as JSON has them, and all edges that leave them, also to memories that are not
    shown.
    """
    asked = ctx.moment(as_of, known_at)
    for page in each_page(ctx, asked, VISIBLE, where=ctx.visible, vectors=vectors):
        if not page.states:
            continue
        ids = [state.memory_id for state in page.states]
        moment = Moment(asked.now, page.valid_at, page.known_at)
        found = ctx.store.edges(ctx.cube, ids, moment, direction="out", statuses=VISIBLE)
        edges = {(*e.key, e.valid_from): _plain_edge(e) for e in found}
        yield [item_of(state).model_dump(mode="json") for state in page.states], list(edges.values())


def _plain_edge(edge: Edge) -> dict[str, Any]:
    return {
        "source": edge.source,
        "target": edge.target,
        "type": edge.type.value,
        "target_kind": edge.target_kind.value,
        "weight": edge.weight,
        "confidence": edge.confidence,
        "valid_from": from_micros(edge.valid_from).isoformat(),
        "valid_to": None if edge.valid_to == END else from_micros(edge.valid_to).isoformat(),
        **({"properties": dict(edge.properties)} if edge.properties else {}),
    }


def _cursor(page: Page) -> str | None:
    return None if page.cursor is None else f"{page.valid_at},{page.known_at},{page.cursor}"


def _read_cursor(cursor: str, now: int) -> tuple[Moment, str]:
    try:
        valid_at, known_at, after = cursor.split(",", 2)
        return Moment(now, int(valid_at), int(known_at)), checked_id(after)
    except (ValueError, InvalidInputError) as error:
        raise InvalidInputError(f"cursor: {cursor!r} did not come from a page") from error
