"""Small graphs for people and algorithms: subgraphs, shortest paths, trees. Plain data and networkx."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from treemem.changes import Edge
from treemem.items import TextualMemoryItem
from treemem.text import caption

if TYPE_CHECKING:
    import networkx


#: The deepest level of a printed tree that is shown by its indentation alone.
DEEPEST = 40


def node_name(kind: str, node_id: str, others: Container[str]) -> str:
    """Return what an entity or a source is called in a graph: its id, with its kind before it where others have that.

    No id has a blank in it.
    """
    return f"{kind} {node_id}" if node_id in others else node_id


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A typed edge between two nodes of a graph, by id. An end is a memory, an entity or a source.

    `properties` are what `link` was given.
    """

    type: str
    source: str
    target: str
    weight: float
    confidence: float
    target_kind: str = "memory"
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @classmethod
    def of(cls, edge: Edge) -> GraphEdge:
        """Return a store's edge for a user."""
        kind = edge.target_kind.value
        return cls(
            edge.type.value, edge.source, edge.target, edge.weight, edge.confidence, kind, properties=edge.properties
        )


@dataclass(frozen=True, slots=True)
class MemoryGraph:
    """Memories by id, names of entities by id, and the edges among them."""

    memories: Mapping[str, TextualMemoryItem]
    edges: tuple[GraphEdge, ...]
    entities: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.memories)

    def plain(self) -> dict[str, list[dict[str, Any]]]:
        """Return `{"nodes": [...], "edges": [...]}` of JSON-able values, vectors left out."""
        nodes = [
            {"kind": "memory", **item.model_dump(mode="json", exclude={"metadata": {"embedding"}})}
            for item in self.memories.values()
        ]
        nodes += [{"kind": "entity", "id": i, "name": name} for i, name in self.entities.items()]
        edges = [
            {
                "source": e.source,
                "target": e.target,
                "type": e.type,
                "target_kind": e.target_kind,
                "weight": e.weight,
                "confidence": e.confidence,
                **({"properties": dict(e.properties)} if e.properties else {}),
            }
            for e in self.edges
        ]
        return {"nodes": nodes, "edges": edges}

    def to_networkx(self) -> networkx.MultiDiGraph[str]:
        """Return a networkx graph: nodes have `kind` and `label`, edges `type`, `weight` and `confidence`."""
        import networkx as nx

        graph: networkx.MultiDiGraph[str] = nx.MultiDiGraph()
        for memory_id, item in self.memories.items():
            graph.add_node(memory_id, kind="memory", label=caption(item.memory))
        for entity_id, name in self.entities.items():
            graph.add_node(node_name("entity", entity_id, self.memories), kind="entity", label=name)
        for e in self.edges:
            target = e.target if e.target_kind == "memory" else node_name(e.target_kind, e.target, self.memories)
            graph.add_edge(e.source, target, key=e.type, type=e.type, weight=e.weight, confidence=e.confidence)
        return graph


@dataclass(frozen=True, slots=True)
class MemoryPath:
    """A way between two memories: the edges in order, their nodes, and its cost (the sum of 1 / weight)."""

    nodes: tuple[str, ...]
    edges: tuple[GraphEdge, ...]
    cost: float

    def __str__(self) -> str:
        text = self.nodes[0]
        for edge, node in zip(self.edges, self.nodes[1:], strict=True):
            text += f" -{edge.type}-> {node}" if edge.target == node else f" <-{edge.type}- {node}"
        return text


@dataclass(frozen=True, slots=True, repr=False)
class MemoryTree:
    """A memory with what lies below it by PARENT."""

    item: TextualMemoryItem
    children: tuple[MemoryTree, ...] = ()

    def __str__(self) -> str:
        """Return a line a memory, indented by its depth; below a depth of 40 the depth is a number."""
        return "\n".join(
            _indent(depth) + caption(node.item.metadata.key or node.item.memory) for depth, node in self.walk()
        )

    __repr__ = __str__

    def __len__(self) -> int:
        return sum(1 for _ in self.walk())

    def walk(self) -> Iterator[tuple[int, MemoryTree]]:
        """Yield (depth, tree) of this one and all below it, parents first. Not recursive: a chain may be long."""
        waiting = [(0, self)]
        while waiting:
            depth, node = waiting.pop()
            yield depth, node
            waiting += [(depth + 1, child) for child in reversed(node.children)]


def _indent(depth: int) -> str:
    """Return what a line begins with: two spaces a level, so that a deep tree does not grow with its depth squared."""
    return "  " * depth if depth <= DEEPEST else "  " * DEEPEST + f"({depth}) "


def price(edge: Edge) -> float:
    """Return what a step along an edge costs: little where its weight is high."""
    return 1.0 / edge.weight if edge.weight > 0 else math.inf


def _place(item: TextualMemoryItem) -> tuple[int, int]:
    """Return the page and the line of what was read from a document, (0, 0) for what was not."""
    for source in item.metadata.sources:
        if isinstance(source, Mapping) and "document" in source:
            page, line = source.get("page"), source.get("line")
            return (page if isinstance(page, int) else 0), (line if isinstance(line, int) else 0)
    return 0, 0


def _turns(follows: Sequence[Edge]) -> dict[str, int]:
    """Return the place of each memory among those that follow one another; one in a circle has none."""
    after: dict[str, list[str]] = {}
    before: Counter[str] = Counter()
    for edge in follows:
        after.setdefault(edge.target, []).append(edge.source)
        before[edge.source] += 1
    waiting = sorted(after.keys() - before.keys(), reverse=True)
    found: dict[str, int] = {}
    while waiting:
        node = waiting.pop()
        found[node] = len(found)
        for later in sorted(after.get(node, ()), reverse=True):
            before[later] -= 1
            if not before[later]:
                waiting.append(later)
    return found


def trees(
    items: Mapping[str, TextualMemoryItem], parents: Sequence[Edge], roots: Sequence[str], follows: Sequence[Edge] = ()
) -> tuple[MemoryTree, ...]:
    """Return the trees below `roots`; children in order of weight, then as they or what is below them follow one
    another, then as their document had them, then of id.

    Not recursive: a chain may be long.
    """
    turns: dict[str, float] = dict(_turns(follows))
    below: dict[str, list[Edge]] = {}
    for edge in parents:
        below.setdefault(edge.source, []).append(edge)
    order: list[str] = []
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        order.append(node)
        waiting += [e.target for e in below.get(node, ())]
    built: dict[str, MemoryTree] = {}
    for node in reversed(order):
        children = sorted(
            below.get(node, ()),
            key=lambda e: (-e.weight, turns.get(e.target, math.inf), _place(items[e.target]), e.target),
        )
        built[node] = MemoryTree(items[node], tuple(built[e.target] for e in children))
        if node not in turns and children:
            turns[node] = min(turns.get(e.target, math.inf) for e in children)
    return tuple(built[root] for root in roots)
