"""neighbours, subgraph, path, tree: walks over the graph at one moment."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence

from treemem.arguments import Ways, distinct_ids, edge_ways
from treemem.changes import Edge, EdgeType, NodeKind, memory_ends
from treemem.checks import within
from treemem.contents import item_of
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.graphs import GraphEdge, MemoryGraph, MemoryPath, MemoryTree, price, trees
from treemem.ids import checked_id
from treemem.items import TextualMemoryItem
from treemem.read.states import BATCH, VISIBLE, each_page, edges_at, states_at
from treemem.records import Neighbour
from treemem.temporal import Moment, TimeLike

#: The edges that neither a subgraph nor a path follows by default; a path follows no mentions either.
_LEFT_OUT = (EdgeType.DERIVED_FROM,)
_MAX_NODES = 10_000
#: The most memories that a subgraph may be asked for.
MAX_NODES = 100_000


def neighbours(
    ctx: Context,
    memory_id: str,
    types: Sequence[str | EdgeType] | None,
    direction: str,
    as_of: TimeLike | None,
    known_at: TimeLike | None,
) -> list[Neighbour]:
    """See `TreeTextMemory.neighbours`."""
    checked_id(memory_id)
    if direction not in ("out", "in", "both"):
        raise InvalidInputError(f"direction: wanted out, in or both, found {direction!r}")
    moment = ctx.moment(as_of, known_at)
    ways = None if types is None else edge_ways("types", types)
    turned = direction != "both" and ways is not None and any(True in each for each in ways.values())
    edges = ctx.store.edges(
        ctx.cube,
        [memory_id],
        moment,
        types=None if ways is None else list(ways),
        direction="both" if turned else direction,
    )
    edges = _shown(ctx, [e for e in edges if not turned or _goes(e, memory_id, ways, direction)], moment)
    others = [e.target if e.source == memory_id else e.source for e in edges]
    ids = sorted({o for o, e in zip(others, edges, strict=True) if o != e.target or e.target_kind == "memory"})
    items = _held(ctx, ids, moment)
    names = {e.id: e.name for e in ctx.store.entities(ctx.cube, others)}
    return [
        Neighbour(
            type=e.type.value,
            direction="out" if e.source == memory_id else "in",
            id=other,
            kind=e.target_kind.value if e.source == memory_id else "memory",
            name=names.get(other),
            item=items.get(other),
            weight=e.weight,
            confidence=e.confidence,
            properties=e.properties,
        )
        for e, other in zip(edges, others, strict=True)
    ]


def subgraph(
    ctx: Context,
    ids: str | Iterable[str],
    depth: int,
    types: Sequence[str | EdgeType] | None,
    max_nodes: int,
    as_of: TimeLike | None,
    known_at: TimeLike | None,
) -> MemoryGraph:
    """See `TreeTextMemory.subgraph`."""
    wanted = None if types is None else list(edge_ways("types", types))
    within("depth", depth, 0, 10)
    within("max_nodes", max_nodes, 1, MAX_NODES)
    moment = _pinned(ctx, as_of, known_at)
    items = _held(ctx, distinct_ids(ids)[:max_nodes], moment)
    edges: dict[tuple[object, ...], Edge] = {}
    frontier = list(items)
    for _ in range(depth):
        found = _beside(ctx, frontier, wanted, moment)
        ends = [n for e in found for n in memory_ends(e) if n not in items]
        fresh = _held(ctx, sorted(set(ends))[: max(0, max_nodes - len(items))], moment)
        items |= fresh
        edges |= {(*e.key, e.valid_from): e for e in found}
        frontier = list(fresh)
    edges |= {(*e.key, e.valid_from): e for e in _beside(ctx, frontier, wanted, moment)}
    kept = [e for e in edges.values() if all(n in items for n in memory_ends(e))]
    named = sorted({e.target for e in kept if e.target_kind is NodeKind.ENTITY})
    entities = {e.id: e.name for e in ctx.store.entities(ctx.cube, named)} if named else {}
    order = sorted(kept, key=lambda e: (e.source, e.type, e.target))
    return MemoryGraph(items, tuple(GraphEdge.of(e) for e in order), entities)


def path(
    ctx: Context,
    source: str,
    target: str,
    types: Sequence[str | EdgeType] | None,
    directed: bool,
    as_of: TimeLike | None,
    known_at: TimeLike | None,
) -> MemoryPath | None:
    """See `TreeTextMemory.path`."""
    ways = None if types is None else edge_ways("types", types)
    wanted = None if ways is None else list(ways)
    if wanted is not None and EdgeType.MENTIONS in wanted:
        raise InvalidInputError(
            "types: MENTIONS leads to names; a path walks from memory to memory, subgraph() shows names"
        )
    moment = _pinned(ctx, as_of, known_at)
    held = _held(ctx, [checked_id(source, "source"), checked_id(target, "target")], moment)
    for end in (source, target):
        if end not in held:
            raise MemoryNotFoundError(f"no memory {end!r} in cube {ctx.cube!r} at that moment; history() tells")
    beside: dict[str, list[Edge]] = {}
    came: dict[str, Edge | None] = {}
    costs = {source: 0.0}
    queue: list[tuple[float, str, str]] = [(0.0, source, "")]
    steps: dict[str, Edge | None] = {source: None}
    while queue:
        cost, node, _ = heapq.heappop(queue)
        if node in came:
            continue
        came[node] = steps[node]
        if node == target:
            return _way(target, came, cost)
        if len(came) >= _MAX_NODES:
            return None
        if node not in beside:
            _load(ctx, beside, [node, *(n for _, n, _ in queue if n not in beside)][:BATCH], wanted, moment)
        for edge in beside[node]:
            other = edge.target if edge.source == node else edge.source
            if directed and not _goes(edge, node, ways):
                continue
            reached = cost + price(edge)
            if other not in came and reached < costs.get(other, float("inf")):
                costs[other], steps[other] = reached, edge
                heapq.heappush(queue, (reached, other, edge.type))
    return None


def _goes(edge: Edge, node: str, ways: Ways | None, direction: str = "out") -> bool:
    """Return whether an edge leads out of a memory, or into it, by one of the names that it was asked for."""
    out = (edge.source == node) == (direction == "out")
    return out if ways is None else any(out != turned for turned in ways[edge.type])


def _load(
    ctx: Context, beside: dict[str, list[Edge]], nodes: list[str], types: Sequence[EdgeType] | None, moment: Moment
) -> None:
    for node in nodes:
        beside[node] = []
    edges = _beside(ctx, nodes, types, moment, (*_LEFT_OUT, EdgeType.MENTIONS))
    for edge in _shown(ctx, edges, moment):
        for node in {edge.source, edge.target} & set(nodes):
            if edge.target_kind is NodeKind.MEMORY:
                beside[node].append(edge)


def _beside(
    ctx: Context,
    nodes: Sequence[str],
    types: Sequence[EdgeType] | None,
    moment: Moment,
    left_out: Sequence[EdgeType] = _LEFT_OUT,
) -> list[Edge]:
    """Return the edges of some types at these memories, without types those of all but the ones left out."""
    edges = edges_at(ctx, nodes, types, moment)
    return edges if types is not None else [edge for edge in edges if edge.type not in left_out]


def tree(
    ctx: Context, root: str | None, orphans: bool, as_of: TimeLike | None, known_at: TimeLike | None
) -> tuple[MemoryTree, ...]:
    """See `TreeTextMemory.tree`."""
    moment = _pinned(ctx, as_of, known_at)
    if root is None:
        pages = each_page(ctx, moment, VISIBLE, where=ctx.visible)
        items = {s.memory_id: item_of(s) for page in pages for s in page.states}
        parents = edges_at(ctx, sorted(items), [EdgeType.PARENT], moment, "out")
        parents = [e for e in parents if e.target in items]
        children = {e.target for e in parents}
        roots = sorted((items.keys() if orphans else {e.source for e in parents}) - children)
        return trees(items, parents, roots, _follows(ctx, items, moment))
    checked_id(root, "root")
    return (subtree(ctx, root, None, as_of, known_at),)


def subtree(
    ctx: Context, memory_id: str, depth: int | None, as_of: TimeLike | None, known_at: TimeLike | None
) -> MemoryTree:
    """See `TreeTextMemory.subtree`."""
    if depth is not None:
        within("depth", depth, 0, 1_000_000)
    moment = _pinned(ctx, as_of, known_at)
    items = _held(ctx, [checked_id(memory_id)], moment)
    if not items:
        raise MemoryNotFoundError(f"no memory {memory_id!r} in cube {ctx.cube!r} at that moment; history() tells")
    return _tree_below(ctx, memory_id, items, moment, depth)


def _tree_below(
    ctx: Context, root: str, items: dict[str, TextualMemoryItem], moment: Moment, depth: int | None
) -> MemoryTree:
    parents: list[Edge] = []
    frontier, level = [root], 0
    while frontier and (depth is None or level < depth):
        level += 1
        below = edges_at(ctx, frontier, [EdgeType.PARENT], moment, "out")
        fresh = _held(ctx, sorted({e.target for e in below} - items.keys()), moment)
        items |= fresh
        parents += [e for e in below if e.target in items]
        frontier = list(fresh)
    return trees(items, parents, [root], _follows(ctx, items, moment))[0]


def _follows(ctx: Context, items: Mapping[str, TextualMemoryItem], moment: Moment) -> list[Edge]:
    """Return the FOLLOWS edges among memories."""
    return [e for e in edges_at(ctx, sorted(items), [EdgeType.FOLLOWS], moment, "out") if e.target in items]


def _pinned(ctx: Context, as_of: TimeLike | None, known_at: TimeLike | None) -> Moment:
    """Return a moment with both times fixed, for verbs that ask the store more than once."""
    moment = ctx.moment(as_of, known_at)
    info = ctx.store.cube(ctx.cube)
    return moment if info is None else Moment(moment.now, *moment.pin(info.clock))


def _held(ctx: Context, ids: Sequence[str], moment: Moment) -> dict[str, TextualMemoryItem]:
    """Return the memories that hold at the moment, by id."""
    if not ids:
        return {}
    return {s.memory_id: item_of(s) for s in states_at(ctx, ids, moment)}


def _shown(ctx: Context, edges: list[Edge], moment: Moment) -> list[Edge]:
    """Return the edges both of whose ends the caller may see."""
    if ctx.visible is None:
        return edges
    held = _held(ctx, sorted({n for e in edges for n in memory_ends(e)}), moment)
    return [e for e in edges if all(n in held for n in memory_ends(e))]


def _way(target: str, came: dict[str, Edge | None], cost: float) -> MemoryPath:
    nodes, edges = [target], []
    step = came[target]
    while step is not None:
        edges.append(step)
        nodes.append(step.source if step.target == nodes[-1] else step.target)
        step = came[nodes[-1]]
    return MemoryPath(tuple(reversed(nodes)), tuple(GraphEdge.of(e) for e in reversed(edges)), cost)
