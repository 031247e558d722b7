"""recall on the embedded store: seeds from the in-memory index, then the bounded walk over the edge table."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from treemem.changes import EdgeType, Entity, NodeKind
from treemem.store.protocol import Recall, Seed, Subgraph, WalkedEdge
from treemem.store.sqlite import rows
from treemem.store.sqlite.index import CubeIndex, Where
from treemem.store.sqlite.reading import HOLDS


@dataclass(slots=True)
class _Walk:
    """The nodes reached so far, as numbers of the node table."""

    names: dict[int, tuple[NodeKind, str]] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    edges: dict[int, WalkedEdge] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)
    entities: dict[str, Entity] = field(default_factory=dict)


def recall(conn: sqlite3.Connection, cube: int, ask: Recall, index: CubeIndex, t: int, k: int) -> Subgraph:
    """Answer a recall at the pinned times, inside the open read transaction."""
    where = Where(t, k, ask.statuses, ask.memory_types)
    keep = index.mask(where)
    seeds: list[Seed] = []
    if ask.vector is not None and ask.vector_limit:
        seeds += [Seed(*hit[:2], "vector", hit[2]) for hit in index.nearest(ask.vector, keep, ask.vector_limit)]
    if ask.tokens and ask.text_limit:
        seeds += [Seed(*hit[:2], "text", hit[2]) for hit in index.matching(ask.tokens, keep, ask.text_limit)]
    parameters = {"cube": cube, "t": t, "k": k, "statuses": rows.listed(ask.statuses)}
    walk = _Walk()
    entities = _start(conn, ask, parameters, seeds, walk)
    frontier: Collection[int] = list(walk.names)
    seeded = set(frontier)
    for _ in range(ask.hops):
        frontier = _hop(conn, ask, parameters, frontier, seeded, walk)
    edges = sorted(walk.edges.values(), key=lambda e: (e.type, e.source, e.target))
    reached = sorted(walk.entities.values(), key=lambda e: e.id)
    return Subgraph(t, k, tuple(seeds), tuple(entities), tuple(reached), tuple(edges), walk.versions, walk.kinds)


def _start(
    conn: sqlite3.Connection, ask: Recall, parameters: dict[str, Any], seeds: Iterable[Seed], walk: _Walk
) -> list[Entity]:
    ids = sorted({seed.memory_id for seed in seeds})
    wanted = [("memory", i) for i in ids] + [("entity", i) for i in ask.entity_ids]
    entities = []
    nums = []
    for num, kind, node_id, name, attributes in conn.execute(
        "SELECT n.num, n.kind, n.id, n.name, n.attributes FROM json_each(:wanted) j CROSS JOIN node n "
        "ON n.cube = :cube AND n.kind = j.value ->> 0 AND n.id = j.value ->> 1",
        {**parameters, "wanted": rows.listed(wanted)},
    ):
        walk.names[num] = (NodeKind(kind), node_id)
        if kind == "entity":
            entities.append(Entity(node_id, name, json.loads(attributes)["kind"]))
        else:
            nums.append(num)
    _test(conn, parameters, nums, walk)
    return sorted(entities, key=lambda e: e.id)


def _hop(
    conn: sqlite3.Connection,
    ask: Recall,
    parameters: dict[str, Any],
    frontier: Collection[int],
    seeded: set[int],
    walk: _Walk,
) -> list[int]:
    """Walk one hop from the frontier; return the live nodes reached for the first time."""
    types = rows.listed(ask.edge_types)
    parameters = {**parameters, "types": types, "nodes": rows.listed(_passable(conn, ask, frontier, seeded))}
    fans: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for end, other in (("src", "dst"), ("dst", "src")):
        query = (
            f"SELECT e.{end}, e.num, e.type, e.src, e.dst, e.weight, e.confidence, n.kind, n.id, n.num, n.name, "
            "n.attributes "
            f"FROM json_each(:nodes) j CROSS JOIN edge e ON e.{end} = j.value CROSS JOIN node n ON n.num = e.{other} "
            f"WHERE {HOLDS.format('e')} AND e.type IN (SELECT value FROM json_each(:types))"
        )
        for row in conn.execute(query, parameters):
            fans[row[0]].append(row[1:])
    chosen: dict[int, tuple[Any, ...]] = {}
    for fan in fans.values():
        fan.sort(key=lambda e: (-e[4], e[1], e[7]))
        chosen.update((row[0], row) for row in fan[: ask.fan_out])
    fresh: dict[int, tuple[NodeKind, str]] = {}
    for row in chosen.values():
        if row[8] not in walk.names and row[8] not in walk.dead:
            fresh[row[8]] = (NodeKind(row[6]), row[7])
            if row[6] == "entity":
                walk.entities[row[7]] = Entity(row[7], row[9], json.loads(row[10])["kind"])
    walk.names.update(fresh)
    _test(conn, parameters, [num for num, (kind, _) in fresh.items() if kind is NodeKind.MEMORY], walk)
    for num, kind, src, dst, weight, confidence, *_ in chosen.values():
        if src in walk.names and dst in walk.names:
            walk.edges[num] = WalkedEdge(EdgeType(kind), walk.names[src], walk.names[dst], weight, confidence)
    return [num for num in fresh if num in walk.names]


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


def _test(conn: sqlite3.Connection, parameters: dict[str, Any], nums: list[int], walk: _Walk) -> None:
    """Note version and memory type of the memories that hold at the moment; forget the others."""
    query = (
        "SELECT s.node, s.version, s.memory_type FROM json_each(:nums) j CROSS JOIN state s ON s.node = j.value "
        f"WHERE {HOLDS.format('s')} AND s.status IN (SELECT value FROM json_each(:statuses))"
    )
    alive = set()
    for num, version, memory_type in conn.execute(query, {**parameters, "nums": rows.listed(nums)}):
        alive.add(num)
        walk.versions[walk.names[num][1]] = version
        walk.kinds[walk.names[num][1]] = memory_type
    for num in nums:
        if num not in alive:
            walk.dead.add(num)
            del walk.names[num]
