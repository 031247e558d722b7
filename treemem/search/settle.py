"""From ranked memories and their texts to the final order: what fits the time first, the newer before the older.

Nothing is hidden here: a memory that another one supersedes, or may supersede, is flagged, and the other one comes
before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from treemem.changes import EdgeType, State
from treemem.ingest.statements import Statement
from treemem.judge.supersession import Outdated, asserts, comparable, outdated
from treemem.search.asked import another_value, focus_of
from treemem.search.rank import Ranked
from treemem.search.target import Target, fitted
from treemem.store.protocol import WalkedEdge

#: Memories from this share of the best similarity to the question are alike as answers, among the first so many.
ALIKE, ALIKE_PLACES = 0.85, 10


@dataclass(frozen=True, slots=True)
class Settled:
    """A ranked memory in its final place, what superseded it, what may have done so, and what contradicts it."""

    ranked: Ranked
    superseded_by: str | None = None
    may_supersede: str | None = None
    contradicts: tuple[str, ...] = ()


def settle(
    question: str,
    ranked: Sequence[Ranked],
    states: Sequence[State],
    statements: Mapping[str, Statement],
    edges: Sequence[WalkedEdge],
    target: Target,
    *,
    compared: bool = True,
    together: bool = False,
) -> list[Settled]:
    """Return the memories whose states were read in their final order.

    Unless they are `compared`, only edges say what supersedes what. `together` puts what was superseded right behind
    what did it.
    """
    factors = fitted(states, {r.memory_id: r.score for r in ranked}, target)
    order = [r._replace(score=r.score * factors[r.memory_id]) for r in ranked if r.memory_id in factors]
    order.sort(key=lambda r: (-r.score, r.memory_id))
    if target.newest_first is not None:
        order = _by_time(order, statements, newest_first=target.newest_first)
    over, maybe = _superseding(question, [r.memory_id for r in order] if compared else (), statements, edges)
    for flags in (maybe, over):
        for older, many in flags.items():
            for newer in many:
                first, then = (newer, older) if target.overtakes(statements[newer].valid_from) else (older, newer)
                order = _before(order, first, then)
    by = {older: many[0] for older, many in over.items()}
    hints = {older: many[0] for older, many in maybe.items() if older not in by}
    if together:
        order = _behind(order, by)
    at_odds = _contradicting(edges, set(factors))
    order = _behind(order, {b: a for a, others in at_odds.items() for b in others if _comes_first(order, a, b)})
    top = max((r.score for r in order), default=1.0)
    return [
        Settled(
            r._replace(score=min(1.0, r.score / top)),
            by.get(r.memory_id),
            hints.get(r.memory_id),
            at_odds.get(r.memory_id, ()),
        )
        for r in order
    ]


def _by_time(order: list[Ranked], statements: Mapping[str, Statement], *, newest_first: bool) -> list[Ranked]:
    """Return the order with the memories that are about as similar to the question as the best one in order of time,
    in the places, and with the scores, that they had among them.
    """
    best = max((r.similarity or 0.0 for r in order), default=0.0)
    places = [i for i, r in enumerate(order[:ALIKE_PLACES]) if best > 0 and (r.similarity or 0.0) >= ALIKE * best]
    by_time = sorted((order[i] for i in places), key=lambda r: statements[r.memory_id].order, reverse=newest_first)
    found = list(order)
    for place, each in zip(places, by_time, strict=True):
        found[place] = each._replace(score=order[place].score)
    return found


def _superseding(
    question: str,
    order: Sequence[str],
    statements: Mapping[str, Statement],
    edges: Iterable[WalkedEdge],
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the memories that supersede each one, and those that may, newest first.

    What supersedes is told by an edge of the graph, or by words that state a change; what may, by another value of
    one thing.
    """
    over: dict[str, set[str]] = {}
    maybe: dict[str, set[str]] = {}
    for edge in edges:
        if edge.type is EdgeType.SUPERSEDES:
            newer, older = edge.source[2:], edge.target[2:]
            if newer in statements and older in statements:
                over.setdefault(older, set()).add(newer)
    focus = focus_of(question)
    news = [i for i in order if asserts(statements[i]) or (focus is not None and statements[i].role == "user")]
    for older in order:
        was = statements[older]
        for newer in news:
            now = statements[newer]
            if now.order <= was.order:
                continue
            sure = outdated(was, now)
            if sure is Outdated.NOT and focus is not None and comparable(was, now):
                sure = Outdated.MAYBE if another_value(focus, was.text, now.text) else Outdated.NOT
            if sure is not Outdated.NOT:
                (over if sure is Outdated.STATED else maybe).setdefault(older, set()).add(newer)

    def newest_first(found: dict[str, set[str]]) -> dict[str, list[str]]:
        return {
            older: sorted(newer, key=lambda i: (statements[i].order, i), reverse=True) for older, newer in found.items()
        }

    return newest_first(over), newest_first(maybe)


def _contradicting(edges: Iterable[WalkedEdge], shown: set[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for edge in edges:
        if edge.type is EdgeType.CONTRADICTS:
            a, b = edge.source[2:], edge.target[2:]
            if a in shown and b in shown:
                found.setdefault(a, set()).add(b)
                found.setdefault(b, set()).add(a)
    return {memory_id: tuple(sorted(others)) for memory_id, others in found.items()}


def _place(order: Sequence[Ranked], memory_id: str) -> int:
    return next(i for i, r in enumerate(order) if r.memory_id == memory_id)


def _comes_first(order: Sequence[Ranked], one: str, other: str) -> bool:
    return _place(order, one) < _place(order, other)


def _before(order: list[Ranked], first: str, then: str) -> list[Ranked]:
    """Return the order with `first` right before `then`, with its score, if it came after it."""
    a, b = _place(order, first), _place(order, then)
    if a < b:
        return order
    moved = order[a]._replace(score=order[b].score)
    rest = [*order[:a], *order[a + 1 :]]
    return [*rest[:b], moved, *rest[b:]]


def _behind(order: list[Ranked], follows: Mapping[str, str]) -> list[Ranked]:
    """Return the order with each of these right behind the one that it follows."""
    for then, first in follows.items():
        a, b = _place(order, first), _place(order, then)
        if b > a + 1:
            moved = order[b]._replace(score=order[a].score)
            rest = [*order[:b], *order[b + 1 :]]
            order = [*rest[: a + 1], moved, *rest[a + 1 :]]
    return order
