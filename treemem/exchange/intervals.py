"""Whether rows hold at one time that must not: overlaps of intervals, and PARENT edges that make a circle."""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from treemem.errors import InvalidInputError

#: Steps upwards in PARENT before a tangle is given up: more than any tree that could be used.
_STEPS = 5_000_000


class Held(NamedTuple):
    """A row's two intervals, in microseconds, and the line it stands on."""

    recorded_from: int
    recorded_to: int
    valid_from: int
    valid_to: int
    line: int


def overlap(rows: Iterable[Held]) -> tuple[int, int] | None:
    """Return the lines of two rows that hold at one moment of both times, None if there are none.

    The rows come in order of `recorded_from`. Takes n log n steps: those that are known at once do not overlap, so
    only neighbours are compared.
    """
    known: list[tuple[int, int, int]] = []  # by valid_from, all apart
    ending: list[tuple[int, tuple[int, int, int]]] = []
    for row in rows:
        while ending and ending[0][0] <= row.recorded_from:
            _, gone = heapq.heappop(ending)
            del known[bisect_left(known, gone)]
        mine = (row.valid_from, row.valid_to, row.line)
        at = bisect_left(known, mine)
        for other in known[max(at - 1, 0) : at + 1]:
            if other[0] < row.valid_to and row.valid_from < other[1]:
                return other[2], row.line
        insort(known, mine)
        heapq.heappush(ending, (row.recorded_to, mine))
    return None


class ParentEdge(NamedTuple):
    """A PARENT edge as two numbers and its two intervals."""

    child: int
    parent: int
    held: Held


def circle(edges: Iterable[ParentEdge]) -> int | None:
    """Return the line of a PARENT edge by which a memory becomes its own ancestor, None if there is none.

    The edges come in order of `recorded_from`, and a child has one parent at a moment. They are opened and closed as
    they were written; after each transaction the new ones are followed upwards. Raises InvalidInputError for a tangle
    that would take minutes.
    """
    known: dict[int, dict[Held, int]] = defaultdict(dict)
    ending: list[tuple[int, int, Held]] = []
    fresh: list[ParentEdge] = []
    steps = [0]

    def check() -> int | None:
        return next((e.held.line for e in fresh if _leads_back(e, known, steps)), None)

    for edge in edges:
        if fresh and fresh[0].held.recorded_from != edge.held.recorded_from:
            found = check()
            if found is not None:
                return found
            fresh = []
        while ending and ending[0][0] <= edge.held.recorded_from:
            _, child, gone = heapq.heappop(ending)
            del known[child][gone]
        known[edge.child][edge.held] = edge.parent
        heapq.heappush(ending, (edge.held.recorded_to, edge.child, edge.held))
        fresh.append(edge)
    return check()


def _leads_back(edge: ParentEdge, known: dict[int, dict[Held, int]], steps: list[int]) -> bool:
    waiting = [(edge.parent, edge.held.valid_from, edge.held.valid_to)]
    while waiting:
        node, start, end = waiting.pop()
        if node == edge.child:
            return True
        for held, parent in known.get(node, {}).items():
            steps[0] += 1
            if steps[0] > _STEPS:
                raise InvalidInputError("PARENT edges change places too often to be checked")
            if held.valid_from < end and start < held.valid_to:
                waiting.append((parent, max(start, held.valid_from), min(end, held.valid_to)))
    return False
