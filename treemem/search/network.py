"""The walked edges as a network: what each is worth, personalised PageRank, and the likeliest way to each node.

PageRank with restart: p = (1 - d) r + d P p, P being the column-substochastic matrix of the walked edges
(Haveliwala, 2002).
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Mapping, Sequence

import numpy as np

from treemem.changes import EdgeType
from treemem.store.protocol import Node, WalkedEdge

ITERATIONS = 30
STEP_PRICE = 0.7  # a step halves the worth of a way
LEADS_ON = 2.0  # how much more a name is worth that a memory has as its title: it leads there, not only across

#: How much a walk along an edge of this type is worth.
TYPE_WEIGHTS = {
    EdgeType.CAUSES: 1.0,
    EdgeType.PARENT: 0.6,
    EdgeType.SUPERSEDES: 0.6,
    EdgeType.CONTRADICTS: 0.6,
    EdgeType.FOLLOWS: 1.0,
    EdgeType.RELATES_TO: 0.4,
    EdgeType.MENTIONS: 0.5,
    EdgeType.MERGED_INTO: 0.3,
    EdgeType.DERIVED_FROM: 0.3,
}


#: The same for a type of somebody's own: said in so many words, but treemem does not know what it means.
FREE_WEIGHT = 0.5
_CODES = {kind: code for code, kind in enumerate(TYPE_WEIGHTS)}
_FREE = len(_CODES)
PLAIN = 1.0  # what a mention weighs at most that is no title


def is_title(edge: WalkedEdge) -> bool:
    """Whether an edge leads from a memory to the name that is its title: a mention that weighs more than any other."""
    return edge.type is EdgeType.MENTIONS and edge.weight > PLAIN


class Network:
    """Edges walked both ways, and the restart distribution over some of their nodes.

    `boosts` multiplies what edges of a type are worth.
    """

    def __init__(
        self, edges: Sequence[WalkedEdge], restart: Mapping[Node, float], boosts: Mapping[EdgeType, float]
    ) -> None:
        self.edges = edges
        types, sources, targets, weights, confidences = zip(*edges, strict=True) if edges else ((),) * 5
        number = {node: i for i, node in enumerate(dict.fromkeys(itertools.chain(restart, sources, targets)))}
        self.number = number
        first = np.array([number[node] for node in sources], np.intp)
        last = np.array([number[node] for node in targets], np.intp)
        #: Both ends of each step: every edge from its source, then every edge from its target.
        self.starts = np.concatenate([first, last])
        self.ends = np.concatenate([last, first])
        self.restart = np.zeros(len(number))
        self.restart[: len(restart)] = list(restart.values())
        kinds = np.array([_CODES.get(kind, _FREE) for kind in types], np.intp)
        own = np.array(weights, float)
        known = [worth * boosts.get(kind, 1.0) for kind, worth in TYPE_WEIGHTS.items()]
        prices = np.array([*known, FREE_WEIGHT]) / 100.0
        self.worths = own * prices[kinds] * np.maximum(np.array(confidences, float), 1.0)
        self._weigh_mentions(last, kinds == _CODES[EdgeType.MENTIONS], own)

    def _weigh_mentions(self, targets: np.ndarray, mentions: np.ndarray, weights: np.ndarray) -> None:
        """Make mentions worth the less the more share what is mentioned, and those of a title that leads on more."""
        size = len(self.number)
        sharing = np.bincount(targets[mentions], minlength=size)[targets]
        titles = mentions & (weights > PLAIN)
        titled = np.bincount(targets[titles], minlength=size)[targets] > 0
        self.worths /= np.log2(1 + np.maximum(sharing, 1))
        self.worths[mentions & titled & ~titles] *= LEADS_ON

    def pagerank(self, damping: float) -> np.ndarray:
        """Return each node's stationary probability under restarts, by number; edges count both ways by their worth.

        Where the edges of a node are worth less than 1 together, the rest of its probability goes back to the restart:
        a node with one weak edge does not pass all it has along it.
        """
        size = len(self.number)
        if not size or self.restart.sum() <= 0:
            return np.zeros(size)
        r = self.restart / self.restart.sum()
        starts, ends = self.starts, self.ends
        weights = np.concatenate([self.worths, self.worths])
        out = np.bincount(starts, weights, size)
        scale = 1.0 / np.maximum(out, 1.0)
        back = damping * (1.0 - out * scale)
        shares = damping * weights * scale[starts]
        p = r
        for _ in range(ITERATIONS):
            p = np.bincount(ends, shares * p[starts], size) + (1 - damping + back @ p) * r
        return np.asarray(p)


class Paths:
    """The likeliest way to each node from a restart node: Dijkstra over -log of what edges are worth, lazily."""

    def __init__(self, network: Network) -> None:
        self._number, self._edges = network.number, network.edges
        order = np.argsort(network.starts, kind="stable")
        self._order = order.tolist()
        self._starts = np.searchsorted(network.starts[order], np.arange(len(self._number) + 1)).tolist()
        self._others = network.ends.tolist()
        self._prices = (STEP_PRICE - np.log(np.clip(network.worths, 1e-9, 1.0))).tolist()
        self._came: dict[int, tuple[int, int] | None] = {}
        self._turn = itertools.count()
        self._queue: list[tuple[float, int, int, tuple[int, int] | None]] = [
            (-math.log(weight), next(self._turn), node, None)
            for node, weight in enumerate(network.restart.tolist())
            if weight > 0
        ]
        heapq.heapify(self._queue)

    def to(self, node: Node) -> tuple[WalkedEdge, ...]:
        """Return the edges of the way to a node, empty if it starts there or none leads there."""
        wanted = self._number.get(node)
        if wanted is None:
            return ()
        while self._queue and wanted not in self._came:
            self._settle()
        path: list[WalkedEdge] = []
        step = self._came.get(wanted)
        while step is not None:
            path.append(self._edges[step[1]])
            step = self._came[step[0]]
        return tuple(reversed(path))

    def _settle(self) -> None:
        cost, _, node, step = heapq.heappop(self._queue)
        if node in self._came:
            return
        self._came[node] = step
        count = len(self._edges)
        for place in self._order[self._starts[node] : self._starts[node + 1]]:
            other, edge = self._others[place], place % count
            if other not in self._came:
                heapq.heappush(self._queue, (cost + self._prices[edge], next(self._turn), other, (node, edge)))
