"""recall on the embedded store: seeds from the in-memory index, then the bounded walk over the edge table."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from treemem.changes import EdgeType, Entity, NodeKind
from treemem.errors import StoreTimeoutError
from treemem.filters import Bounds, Filter, joined, split
from treemem.store.protocol import ENTITY, MEMORY, PREFIXES, Node, Recall, Seed, Subgraph, WalkedEdge
from treemem.store.sqlite import filtering, rows
from treemem.store.sqlite.graph import EdgeRow, NodeRow
from treemem.store.sqlite.index import CubeIndex, Hit
from treemem.store.sqlite.masks import Mask, Where
from treemem.store.sqlite.statements import statement

#: How many states an arm looks at over a span of valid time, since a memory may have many in it.
SPAN_BREADTH = 400
#: Fans of nodes with more edges than this are not kept, but read anew each time, as far as a walk follows them.
KEPT = 1_000


#: A node, how many edges it has, and those of them that may be walked, strongest first.
_Fan = tuple[int, int, Sequence[EdgeRow]]


@dataclass(slots=True)
class _Walk:
    """What is asked, where, as which transaction, and the nodes reached so far, as numbers of the node table.

    `keep` tells which states hold. An edge is walked if its type is one of `types`, or with `listed` False if it is
    none of them.
    """

    conn: sqlite3.Connection
    ask: Recall
    index: CubeIndex
    clock: int
    parameters: dict[str, Any]
    keep: Mask
    types: frozenset[str] = frozenset()
    listed: bool = True
    seeded: set[int] = field(default_factory=set)
    names: dict[int, Node] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    edges: dict[int, WalkedEdge] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)

    def types_at(self, node: int, *, ends: bool) -> frozenset[str]:
        """Return `types` for the edges of a node; where the walk `ends` a memory passes on no mention: the name at its
        end would lead nowhere, unless it was reached before.
        """
        if not ends or not self.names[node].startswith(MEMORY):
            return self.types
        return self.types - {EdgeType.MENTIONS} if self.listed else self.types | {EdgeType.MENTIONS}

    def walked(self, edge: EdgeRow) -> WalkedEdge:
        """Return an edge between nodes reached as others know it."""
        ends = self.names[edge.src], self.names[edge.dst]
        found = WalkedEdge(EdgeType(edge.type), *ends, edge.weight, edge.confidence)
        self.index.graph.walked[edge.num] = found
        return found


def recall(conn: sqlite3.Connection, cube: int, ask: Recall, index: CubeIndex, clock: int, t: int, k: int) -> Subgraph:
    """Answer a recall at the pinned times, inside the open read transaction, which sees the cube as of `clock`."""
    started = time.monotonic()
    bounds, rest = split(joined(ask.filter, ask.visible))
    since, until = (t, t) if ask.span is None else ask.span.ends(t)
    wide = 0 if ask.span is None else SPAN_BREADTH
    keep = index.states.mask(Where(since, until, k, ask.statuses, bounds))
    passing = None if rest is None else partial(_passing, conn, rest)
    arms: list[list[Seed]] = []
    parameters = {"cube": cube, "t": since, "u": until, "k": k}
    everything = keep if bounds == Bounds() else index.states.mask(Where(since, until, k, ask.statuses))
    walk = _Walk(conn, ask, index, clock, parameters, everything)
    if ask.vector is not None and ask.vector_limit:
        arms.append(_seeds(index.nearest(ask.vector, keep, max(ask.vector_limit, wide), passing), "vector", walk))
    if ask.tokens and ask.text_limit:
        hits = index.matching(ask.tokens, keep, k, max(ask.text_limit, wide), passing)
        arms.append(_seeds(hits, "text", walk))
    types, walk.listed = ask.types_tested
    walk.types = frozenset(types)
    best = sorted({seed.memory_id for arm in arms for seed in arm[: ask.walk_seeds]})
    entities = _start(best, walk)
    frontier: Collection[int] = list(walk.names)
    walk.seeded = set(frontier)
    for hop in range(1, ask.hops + 1):
        _in_time(ask, started)
        frontier = _hop(frontier, walk, hop)
    _in_time(ask, started)
    seeds = tuple(seed for arm in arms for seed in arm)
    edges = sorted(walk.edges.values())
    reached = sorted(walk.entities.values(), key=lambda e: e.id)
    versions = {seed.memory_id: seed.version for seed in seeds} | walk.versions
    return Subgraph(t, k, seeds, tuple(entities), tuple(reached), tuple(edges), versions, walk.kinds)


def _seeds(hits: Iterable[Hit], arm: str, walk: _Walk) -> list[Seed]:
    """Return hits as seeds of an arm; their memory types are noted."""
    walk.kinds.update((hit.memory_id, hit.memory_type) for hit in hits)
    return [Seed(hit.memory_id, hit.version, arm, hit.score, hit.valid_from, hit.valid_to) for hit in hits]


def _in_time(ask: Recall, started: float) -> None:
    if ask.seconds is not None and time.monotonic() - started > ask.seconds:
        raise StoreTimeoutError(f"the walk of {ask.hops} hops took more than {ask.seconds:.3f} seconds; allow more")


def _passing(conn: sqlite3.Connection, rest: Filter, nums: list[int]) -> set[int]:
    """Return which of these states pass a filter."""
    text, given = filtering.compiled(rest)
    asked = {**given, "nums": rows.listed(nums)}
    return {num for (num,) in conn.execute(statement("passing", FILTER=text), asked)}


def _start(best: Iterable[str], walk: _Walk) -> list[Entity]:
    """Put the best seeds and the entities that the question names at the start of the walk; return the entities."""
    _test([walk.index.states.node_of[memory_id] for memory_id in best], walk)
    entities = []
    if walk.ask.entity_ids:
        given = {**walk.parameters, "ids": rows.listed(walk.ask.entity_ids)}
        named = walk.conn.execute(statement("named_entities"), given)
        for num, node_id, name, entity_kind in named:
            walk.names[num] = ENTITY + node_id
            entities.append(Entity(node_id, name, entity_kind))
    return sorted(entities, key=lambda e: e.id)


def _hop(frontier: Collection[int], walk: _Walk, hop: int) -> list[int]:
    """Walk one hop from the frontier; return the live nodes reached for the first time."""
    chosen = _passed_on(frontier, walk, hop)
    fresh = _reach({edge.src for edge in chosen} | {edge.dst for edge in chosen}, walk)
    names, walked = walk.names, walk.index.graph.walked
    for edge in chosen:
        if edge.num not in walk.edges and edge.src in names and edge.dst in names:
            walk.edges[edge.num] = walked.get(edge.num) or walk.walked(edge)
    return fresh


_KINDS = {k.value: k for k in NodeKind}


def _passed_on(nodes: Collection[int], walk: _Walk, hop: int) -> list[EdgeRow]:
    """Return the edges that nodes pass on: for each at most `fan_out`, strongest first, in either direction.

    A hub passes on none, unless the walk starts there. Behind the first hop `hop_edges` are passed on at most, by the
    nodes with the fewest first, and in the last one memories pass on no mentions.
    """
    ask, since, until, k = walk.ask, *(walk.parameters[name] for name in ("t", "u", "k"))
    chosen: dict[int, EdgeRow] = {}
    ends = 1 < hop == ask.hops
    more = ask.hop_edges if hop > 1 else ask.fan_out * len(nodes)
    fans = _fans(nodes, walk, ends=ends)
    for node, _, fan in fans if hop == 1 else _passable(fans, walk):
        left = min(ask.fan_out, more)
        if not left:
            break
        types = walk.types_at(node, ends=ends)
        for edge in fan:
            if (
                edge.valid_from <= until
                and edge.valid_to > since
                and edge.recorded_from <= k < edge.recorded_to
                and (edge.type in types) is walk.listed
            ):
                chosen[edge.num] = edge
                left -= 1
                more -= 1
                if not left:
                    break
    return list(chosen.values())


def _passable(fans: Iterable[_Fan], walk: _Walk) -> list[_Fan]:
    """Return the nodes that the walk goes through, those with the fewest edges first: no hub, and none whose only
    edge is the one that led there.
    """
    passed = [fan for fan in fans if 1 < fan[1] <= walk.ask.hub_degree]
    passed.sort(key=lambda fan: (fan[1], walk.names[fan[0]][2:]))
    return passed


def _fans(nodes: Collection[int], walk: _Walk, *, ends: bool) -> Iterator[_Fan]:
    """Yield each node with the number of its edges and these, strongest first: all of them, or of one with very many
    those to be walked, and none of a hub.
    """
    fans = walk.index.graph.fans(nodes)
    unread = [node for node in nodes if node not in fans]
    if unread:
        more = {"nodes": rows.listed(unread), "most": KEPT + 1}
        small = [node for (node,) in walk.conn.execute(statement("small_nodes"), more)]
        fresh: dict[int, list[EdgeRow]] = {node: [] for node in small}
        for node, *edge in walk.conn.execute(statement("fans"), {"nodes": rows.listed(small)}):
            fresh[node].append(EdgeRow(*edge))
        for fan in fresh.values():
            fan.sort(key=_strength)
        walk.index.keep_fans(fresh, walk.clock)
        fans.update(fresh)
    yield from ((node, len(fan), fan) for node, fan in fans.items())
    for node in nodes if len(fans) < len(nodes) else ():
        if node not in fans:
            degree = _degree(node, walk)
            if node in walk.seeded or degree <= walk.ask.hub_degree:
                yield node, degree, _strongest(node, walk, walk.types_at(node, ends=ends))


def _strength(edge: EdgeRow) -> tuple[float, int]:
    return -edge.weight, edge.tiebreak


def _degree(node: int, walk: _Walk) -> int:
    """Return how many edges a node has, at most one more than makes a hub."""
    given = {"node": node, "most": walk.ask.hub_degree + 1}
    found: int = walk.conn.execute(statement("degree"), given).fetchone()[0]
    return found


def _strongest(node: int, walk: _Walk, types: Iterable[str]) -> list[EdgeRow]:
    asked = {"node": node, "types": rows.listed(types), "listed": walk.listed, "fan": walk.ask.fan_out}
    found = walk.conn.execute(statement("strongest"), {**walk.parameters, **asked})
    return sorted((EdgeRow(*row) for row in found), key=_strength)


def _test(nums: Iterable[int], walk: _Walk) -> list[int]:
    """Note the memories that hold at the moment, each with version and memory type; return them."""
    visible = walk.ask.visible
    held = walk.index.states.held(nums, walk.keep, None if visible is None else partial(_passing, walk.conn, visible))
    walk.names.update(zip(held.nodes, [MEMORY + memory_id for memory_id in held.ids], strict=True))
    walk.versions.update(zip(held.ids, held.versions, strict=True))
    walk.kinds.update(zip(held.ids, held.memory_types, strict=True))
    return held.nodes


def _reach(nums: Iterable[int], walk: _Walk) -> list[int]:
    """Note the nodes that are reached for the first time and hold at the moment; return them."""
    fresh = [num for num in nums if num not in walk.names and num not in walk.dead]
    live = _test(fresh, walk)
    others = [num for num in fresh if num not in walk.names and not walk.index.states.is_memory(num)]
    _read_nodes(others, walk)
    for num in others:
        node = walk.index.graph.nodes[num]
        if node.kind is not NodeKind.MEMORY:  # of a memory that the index does not know no state is known any more
            walk.names[num] = PREFIXES[node.kind] + node.id
            live.append(num)
        if node.entity is not None:
            walk.entities[node.id] = node.entity
    walk.dead.update(num for num in fresh if num not in walk.names)
    return live


def _read_nodes(nums: Iterable[int], walk: _Walk) -> None:
    """Read the nodes that no walk has read before."""
    unread = [num for num in nums if num not in walk.index.graph.nodes]
    found = walk.conn.execute(statement("nodes"), {"nums": rows.listed(unread)}) if unread else ()
    for num, kind, node_id, name, entity_kind in found:
        entity = Entity(node_id, name, entity_kind) if kind == "entity" else None
        walk.index.graph.nodes[num] = NodeRow(_KINDS[kind], node_id, entity)
