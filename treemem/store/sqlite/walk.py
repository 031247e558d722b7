"""recall on the embedded store: seeds from the in-memory index, then the bounded walk over the edge table."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from treemem.changes import EdgeType, Entity, NodeKind
from treemem.errors import StoreTimeoutError
from treemem.filters import Filter, joined, split
from treemem.store.protocol import PREFIXES, Recall, Seed, Subgraph, WalkedEdge
from treemem.store.sqlite import filtering, rows
from treemem.store.sqlite.index import CubeIndex, EdgeRow, Mask, NodeRow, Where
from treemem.store.sqlite.reading import WITHIN

SPAN_BREADTH = 400  # as many states are looked at over a span, since a memory may have many in it


@dataclass(slots=True)
class _Walk:
    """The nodes reached so far, as numbers of the node table. `keep` tells which states hold, `visible` what every
    memory must pass.
    """

    index: CubeIndex
    keep: Mask
    visible: Filter | None = None
    names: dict[int, tuple[NodeKind, str]] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    edges: dict[int, WalkedEdge] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)

    def walked(self, edge: EdgeRow) -> WalkedEdge:
        """Return an edge between nodes reached as others know it."""
        source, target = (PREFIXES[kind] + i for kind, i in (self.names[edge.src], self.names[edge.dst]))
        found = WalkedEdge(_TYPES[edge.type], source, target, edge.weight, edge.confidence)
        self.index.walked[edge.num] = found
        return found


def recall(conn: sqlite3.Connection, cube: int, ask: Recall, index: CubeIndex, t: int, k: int) -> Subgraph:
    """Answer a recall at the pinned times, inside the open read transaction."""
    started = time.monotonic()
    bounds, rest = split(joined(ask.filter, ask.visible))
    since, until = (t, t) if ask.span is None else ask.span.ends(t)
    wide = 0 if ask.span is None else SPAN_BREADTH
    keep = index.mask(Where(since, until, k, ask.statuses, bounds))
    passing = None if rest is None else partial(_passing, conn, rest)
    arms: list[list[Seed]] = []
    if ask.vector is not None and ask.vector_limit:
        hits = index.nearest(ask.vector, keep, max(ask.vector_limit, wide), passing)
        arms.append([Seed(hit.memory_id, hit.version, "vector", *hit[2:]) for hit in hits])
    if ask.tokens and ask.text_limit:
        hits = index.matching(ask.tokens, keep, max(ask.text_limit, wide), passing)
        arms.append([Seed(hit.memory_id, hit.version, "text", *hit[2:]) for hit in hits])
    parameters = {"cube": cube, "t": since, "u": until, "k": k}
    walk = _Walk(index, index.mask(Where(since, until, k, ask.statuses)), ask.visible)
    best = sorted({seed.memory_id for arm in arms for seed in arm[: ask.walk_seeds]})
    entities = _start(conn, ask, parameters, best, walk)
    frontier: Collection[int] = list(walk.names)
    seeded = set(frontier)
    for _ in range(ask.hops):
        _in_time(ask, started)
        frontier = _hop(conn, ask, parameters, frontier, seeded, walk)
    _in_time(ask, started)
    seeds = tuple(seed for arm in arms for seed in arm)
    _complete(conn, parameters, seeds, walk)
    edges = sorted(walk.edges.values())
    reached = sorted(walk.entities.values(), key=lambda e: e.id)
    return Subgraph(t, k, seeds, tuple(entities), tuple(reached), tuple(edges), walk.versions, walk.kinds)


def _in_time(ask: Recall, started: float) -> None:
    if ask.seconds is not None and time.monotonic() - started > ask.seconds:
        raise StoreTimeoutError(f"the walk of {ask.hops} hops took more than {ask.seconds:.3f} seconds; allow more")


def _passing(conn: sqlite3.Connection, rest: Filter, nums: list[int]) -> set[int]:
    """Return which of these states pass a filter."""
    text, given = filtering.compiled(rest)
    query = f"SELECT s.num FROM json_each(:nums) n CROSS JOIN state s ON s.num = n.value WHERE true{text}"
    return {num for (num,) in conn.execute(query, {**given, "nums": rows.listed(nums)})}


def _start(
    conn: sqlite3.Connection, ask: Recall, parameters: dict[str, Any], best: Iterable[str], walk: _Walk
) -> list[Entity]:
    """Put the best seeds and the entities that the question names at the start of the walk; return the entities."""
    wanted = [("memory", i) for i in best] + [("entity", i) for i in ask.entity_ids]
    entities = []
    nums = []
    for num, kind, node_id, name, entity_kind in conn.execute(
        "SELECT n.num, n.kind, n.id, n.name, n.attributes ->> 'kind' FROM json_each(:wanted) j CROSS JOIN node n "
        "ON n.cube = :cube AND n.kind = j.value ->> 0 AND n.id = j.value ->> 1",
        {**parameters, "wanted": rows.listed(wanted)},
    ):
        walk.names[num] = (_KINDS[kind], node_id)
        if kind == "entity":
            entities.append(Entity(node_id, name, entity_kind))
        else:
            nums.append(num)
    _test(conn, nums, walk)
    return sorted(entities, key=lambda e: e.id)


def _complete(conn: sqlite3.Connection, parameters: dict[str, Any], seeds: Iterable[Seed], walk: _Walk) -> None:
    """Note version and memory type of the seeds that the walk did not come by."""
    rest = {seed.memory_id: seed.version for seed in seeds if seed.memory_id not in walk.versions}
    query = (
        "SELECT n.id, s.version, s.memory_type FROM json_each(:rest) j CROSS JOIN node n ON n.cube = :cube "
        "AND n.kind = 'memory' AND n.id = j.value ->> 0 CROSS JOIN state s ON s.node = n.num "
        "AND s.version = j.value ->> 1"
    )
    for memory_id, version, memory_type in conn.execute(query, {**parameters, "rest": rows.listed(rest.items())}):
        walk.versions[memory_id] = version
        walk.kinds[memory_id] = memory_type


def _hop(
    conn: sqlite3.Connection,
    ask: Recall,
    parameters: dict[str, Any],
    frontier: Collection[int],
    seeded: set[int],
    walk: _Walk,
) -> list[int]:
    """Walk one hop from the frontier; return the live nodes reached for the first time."""
    chosen = _fans(conn, ask, parameters, _passable(conn, ask, frontier, seeded), walk.index.edges)
    reached = {num for edge in chosen for num in (edge.src, edge.dst)}
    fresh = _name(conn, [num for num in reached if num not in walk.names and num not in walk.dead], walk)
    _test(conn, [num for num in fresh if walk.names[num][0] is NodeKind.MEMORY], walk)
    walked = walk.index.walked
    for edge in chosen:
        if edge.src in walk.names and edge.dst in walk.names:
            walk.edges[edge.num] = walked.get(edge.num) or walk.walked(edge)
    return [num for num in fresh if num in walk.names]


def _fan(end: str) -> str:
    """Return the subquery that lists a node's strongest edges in one direction; the index serves the order."""
    return (
        f"(SELECT json_group_array(num) FROM (SELECT e.num FROM edge e WHERE e.{end} = j.value AND "
        f"{WITHIN.format('e')} AND e.type IN (SELECT value FROM json_each(:types)) "
        "ORDER BY e.weight DESC, e.tiebreak LIMIT :fan))"
    )


_FANS = f"SELECT {_fan('src')}, {_fan('dst')} FROM json_each(:nodes) j"
_EDGES = (
    "SELECT e.num, e.type, e.src, e.dst, e.weight, e.tiebreak, e.confidence "
    "FROM json_each(:nums) j CROSS JOIN edge e ON e.num = j.value"
)
_TYPES = {t.value: t for t in EdgeType}
_KINDS = {k.value: k for k in NodeKind}


def _fans(
    conn: sqlite3.Connection,
    ask: Recall,
    parameters: dict[str, Any],
    nodes: Collection[int],
    edges: dict[int, EdgeRow],
) -> list[EdgeRow]:
    """Return the edges that the nodes pass on: for each at most `fan_out`, strongest first, either direction."""
    found = conn.execute(
        _FANS,
        {**parameters, "nodes": rows.listed(nodes), "types": rows.listed(ask.edge_types), "fan": ask.fan_out},
    )
    fans = [json.loads(out) + json.loads(into) for out, into in found]
    unread = {num for fan in fans for num in fan if num not in edges}
    edges.update((row[0], EdgeRow(*row)) for row in conn.execute(_EDGES, {"nums": rows.listed(unread)}))
    chosen: dict[int, EdgeRow] = {}
    for fan in fans:
        if len(fan) > ask.fan_out:
            fan.sort(key=lambda num: (-edges[num].weight, edges[num].tiebreak))
        chosen.update((num, edges[num]) for num in fan[: ask.fan_out])
    return list(chosen.values())


def _passable(conn: sqlite3.Connection, ask: Recall, frontier: Collection[int], seeded: set[int]) -> list[int]:
    """Return the nodes of the frontier that are no hubs, or are seeds."""
    others = [num for num in frontier if num not in seeded]
    query = (
        "SELECT j.value FROM json_each(:nodes) j WHERE "
        "(SELECT count(*) FROM (SELECT 1 FROM edge e WHERE e.src = j.value LIMIT :hub)) + "
        "(SELECT count(*) FROM (SELECT 1 FROM edge e WHERE e.dst = j.value LIMIT :hub)) < :hub"
    )
    found = conn.execute(query, {"nodes": rows.listed(others), "hub": ask.hub_degree + 1})
    return [num for num in frontier if num in seeded] + [num for (num,) in found]


def _test(conn: sqlite3.Connection, nums: list[int], walk: _Walk) -> None:
    """Note version and memory type of the memories that hold at the moment; forget the others."""
    held = walk.index.held(nums, walk.keep)
    if walk.visible is not None:
        shown = _passing(conn, walk.visible, [state.num for state in held.values()])
        held = {num: state for num, state in held.items() if state.num in shown}
    for num in nums:
        if num in held:
            memory_id = walk.names[num][1]
            walk.versions[memory_id] = held[num].version
            walk.kinds[memory_id] = held[num].memory_type
        else:
            walk.dead.add(num)
            del walk.names[num]


def _name(conn: sqlite3.Connection, nums: list[int], walk: _Walk) -> list[int]:
    """Note kind and id of the nodes reached, and the names of entities; return the nodes."""
    query = (
        "SELECT n.num, n.kind, n.id, n.name, n.attributes ->> 'kind' FROM json_each(?) j "
        "CROSS JOIN node n ON n.num = j.value"
    )
    nodes = walk.index.nodes
    for num, kind, node_id, name, entity_kind in conn.execute(query, (rows.listed(n for n in nums if n not in nodes),)):
        entity = Entity(node_id, name, entity_kind) if kind == "entity" else None
        nodes[num] = NodeRow(_KINDS[kind], node_id, entity)
    for num in nums:
        node = nodes[num]
        walk.names[num] = (node.kind, node.id)
        if node.entity is not None:
            walk.entities[node.id] = node.entity
    return nums
