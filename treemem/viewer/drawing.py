"""The graph of a memory at a moment as the page draws it: columns of plain values, each node where it lay before."""

from __future__ import annotations

import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from treemem.memory import TreeTextMemory
from treemem.temporal import TimeLike
from treemem.viewer import layout

if TYPE_CHECKING:
    import networkx

#: How strongly edges of a type pull their ends together; those of one's own pull like RELATES_TO.
_PULL: Mapping[str, float] = {
    "PARENT": 1.0,
    "CAUSES": 0.9,
    "SUPERSEDES": 0.9,
    "MERGED_INTO": 0.8,
    "CONTRADICTS": 0.7,
    "MENTIONS": 0.35,
    "DERIVED_FROM": 0.6,
    "FOLLOWS": 0.25,
}
_OF_ONES_OWN = 0.6
#: How many graphs are kept as they were drawn.
_KEPT = 8
#: Seconds after which what holds now is read again: time alone ends what was to hold until then.
_FRESH = 30.0
#: Fields that a node brings along beside its kind and label: what the lists, the legend and the sliders need.
_FIELDS = ("memory_type", "type", "status", "valid_from", "valid_to")
#: From how many times as many new nodes as placed ones on the new ones are laid out by all edges at once.
_ANEW = 4


class Drawing:
    """Draws the graph of one memory. What was placed once stays there, at whatever moment it is looked at."""

    def __init__(self, memory: TreeTextMemory) -> None:
        self._memory = memory
        self._places: dict[str, tuple[float, float]] = {}
        self._drawn: OrderedDict[tuple[Any, ...], dict[str, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, as_of: TimeLike | None, known_at: TimeLike | None) -> dict[str, Any]:
        """Return `{"nodes": {...}, "edges": {...}, "types": [...]}` at a moment, each a dict of columns."""
        lately = int(time.monotonic() // _FRESH) if as_of is None else None
        key = (as_of, known_at, self._memory.stats().clock, lately)
        with self._lock:
            if key in self._drawn:
                self._drawn.move_to_end(key)
                return self._drawn[key]
            graph = self._memory.to_networkx(as_of=as_of, known_at=known_at)
            drawn = self.columns(graph)
            self._drawn[key] = drawn
            while len(self._drawn) > _KEPT:
                self._drawn.popitem(last=False)
            return drawn

    def _place(self, graph: networkx.MultiDiGraph[str]) -> None:
        """Give every node that has none a place: beside what it is joined to, else below all that is there."""
        new = [node for node in graph if node not in self._places]
        if len(new) > _ANEW * len(self._places):
            self._places = {**_laid(graph, graph), **self._places}
            return
        came: Counter[tuple[float, float]] = Counter()
        waiting = deque(sorted(node for node in new if self._beside(graph, node)))
        while waiting:
            node = waiting.popleft()
            if node in self._places:
                continue
            beside = self._beside(graph, node)
            middle = (sum(x for x, _ in beside) / len(beside), sum(y for _, y in beside) / len(beside))
            x, y = layout.near(node, beside, came[middle])
            came[middle] += 1
            self._places[node] = (float(x), float(y))
            waiting.extend(sorted(other for other in _joined(graph, node) if other not in self._places))
        alone = _laid(graph, [node for node in new if node not in self._places])
        if alone:
            low = max(y for _, y in self._places.values()) + 2 * layout.SPACE
            high = min(y for _, y in alone.values())
            self._places.update((node, (x, y - high + low)) for node, (x, y) in alone.items())

    def _beside(self, graph: networkx.MultiDiGraph[str], node: str) -> list[tuple[float, float]]:
        return [self._places[other] for other in _joined(graph, node) if other in self._places]

    def columns(self, graph: networkx.MultiDiGraph[str]) -> dict[str, Any]:
        """Return a graph as columns, with a place for each node."""
        self._place(graph)
        ids = list(graph)
        numbers = {node: i for i, node in enumerate(ids)}
        rows = [graph.nodes[node] for node in ids]
        places = [self._places[node] for node in ids]
        types = sorted({kind for _, _, kind in graph.edges(keys=True)})
        of_type = {kind: i for i, kind in enumerate(types)}
        edges = [
            (numbers[s], numbers[t], of_type[kind], data) for s, t, kind, data in graph.edges(keys=True, data=True)
        ]
        return {
            "nodes": {
                "id": ids,
                "kind": [row["kind"] for row in rows],
                "label": [row["label"] for row in rows],
                "text": [row.get("memory") for row in rows],
                "x": [round(x, 1) for x, _ in places],
                "y": [round(y, 1) for _, y in places],
                **{name: [row.get(name) for row in rows] for name in _FIELDS},
            },
            "edges": {
                "source": [e[0] for e in edges],
                "target": [e[1] for e in edges],
                "type": [e[2] for e in edges],
                "weight": [round(float(e[3]["weight"]), 3) for e in edges],
            },
            "types": types,
        }


def _laid(graph: networkx.MultiDiGraph[str], which: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return places for some nodes of a graph, by the edges among them alone."""
    nodes = sorted(which, key=lambda node: (graph.nodes[node]["kind"], node))
    numbers = {node: i for i, node in enumerate(nodes)}
    edges = sorted(
        (numbers[s], numbers[t], kind)
        for s, t, kind in graph.edges(keys=True)
        if s != t and s in numbers and t in numbers
    )
    pulls = [_PULL.get(kind, _OF_ONES_OWN) for *_, kind in edges]
    points = layout.positions(len(nodes), [s for s, *_ in edges], [t for _, t, _ in edges], pulls)
    return {node: (float(x), float(y)) for node, (x, y) in zip(nodes, points, strict=True)}


def _joined(graph: networkx.MultiDiGraph[str], node: str) -> list[str]:
    return sorted({*graph.successors(node), *graph.predecessors(node)} - {node})
