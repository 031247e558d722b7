"""From judged pairs to actions: what is the same becomes one, what is newer takes the place, the rest is related."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from treemem.changes import EdgeType, State
from treemem.contents import is_read
from treemem.items import MEMORY_TYPES
from treemem.judge.closing import closes
from treemem.judge.pairs import Judgement, Reading, Relation, by_age, judge, read, supersedes
from treemem.reorganize.candidates import Pair
from treemem.reorganize.plan import Action, ActionKind
from treemem.text import caption

#: What nothing is merged or closed below.
SURE = 0.85
#: The weight of an edge to what is alike, a share of the cosine: such edges lead far and say little.
ALIKE_WEIGHT = 0.5
_DIRECTED = (EdgeType.CAUSES, EdgeType.FOLLOWS)
_DAY = 86_400_000_000


@dataclass(slots=True)
class Judged:
    """The judgements of a run, and the states they are about."""

    states: dict[str, State] = field(default_factory=dict)
    found: list[tuple[Judgement, float]] = field(default_factory=list)
    readings: dict[str, Reading] = field(default_factory=dict)
    places: dict[tuple[str, str], int] = field(default_factory=dict)
    learned: set[int] = field(default_factory=set)

    def add(self, pair: Pair) -> None:
        """Judge a pair; each memory is read once."""
        for state in (pair.one, pair.other):
            self.states[state.memory_id] = state
            if state.memory_id not in self.readings:
                self.readings[state.memory_id] = read(state)
        one, other = self.readings[pair.one.memory_id], self.readings[pair.other.memory_id]
        self.places[_key(one.memory_id, other.memory_id)] = len(self.found)
        self.found.append((judge(one, other, pair.cosine), pair.cosine))

    def doubtful(self, least: float) -> list[int]:
        """Return the places of the judgements about which a language model is asked, nearest first.

        It may know more of those that the rules are not sure of, and must agree where something is to be closed.
        """
        unsure = (Relation.NONE, Relation.RELATED, Relation.CONTRADICTS)
        places = [
            n
            for n, (found, near) in enumerate(self.found)
            if found.relation is Relation.SUPERSEDES or (found.relation in unsure and near >= least)
        ]
        return sorted(places, key=lambda n: -self.found[n][1])

    def learn(self, place: int, judgement: Judgement) -> None:
        """Put a better judgement in place of one."""
        self.found[place] = (judgement, self.found[place][1])
        self.learned.add(place)

    def changed_between(self, older: Reading, newer: Reading) -> bool:
        """Return whether something that was said between two memories takes the older one's place."""
        between = (
            each
            for each in self.readings.values()
            if older.statement.order < each.statement.order < newer.statement.order
        )
        return any(supersedes(each, older) for each in between)

    def of(self, *relations: Relation) -> list[tuple[Judgement, float]]:
        """Return the judgements of these relations, surest first."""
        chosen = [each for each in self.found if each[0].relation in relations]
        return sorted(chosen, key=lambda each: (-each[0].confidence, each[0].source, each[0].target))

    def evidence(self, ids: Sequence[str]) -> dict[str, Any]:
        """Return what speaks for an action: the texts, and how each two of them were judged, by what and why."""
        judged = []
        for pair in combinations(ids, 2):
            place = self.places.get(_key(*pair))
            if place is not None:
                found, cosine = self.found[place]
                judged.append(
                    {
                        "of": [found.source, found.target],
                        "relation": found.relation.value,
                        "cosine": round(cosine, 4),
                        "confidence": found.confidence,
                        "by": "model" if place in self.learned else "rules",
                        "why": found.reason,
                    }
                )
        return {"texts": {i: caption(str(self.states[i].fields["memory"]), 200) for i in ids}, "judged": judged}


def _key(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)


def planned(judged: Judged, versions: Mapping[str, int], existing: frozenset[tuple[str, str, str]]) -> list[Action]:
    """Return the actions for judged pairs. A memory that one action takes out of sight is in no other.

    `existing` are the edges that there are, as (type, source, target).
    """
    frozen = {i for i, state in judged.states.items() if state.fields.get("frozen")}
    gone: set[str] = set()
    actions: list[Action] = []
    for ids, reason, sure in _alike(judged, frozen):
        if not gone & set(ids):
            gone |= set(ids[1:])
            actions.append(_action(ActionKind.DEDUPLICATE, ids, reason, sure, judged, versions))
    for found, _ in judged.of(Relation.SUPERSEDES):
        older = found.target
        if found.confidence >= SURE and not {found.source, older} & (gone | frozen):
            if (EdgeType.SUPERSEDES, found.source, older) in existing:
                continue
            if closes(judged.states[older]):
                gone.add(older)
            ids = (found.source, older)
            edge = EdgeType.SUPERSEDES
            actions.append(_action(ActionKind.SUPERSEDE, ids, found.reason, found.confidence, judged, versions, edge))
    edges = {
        Relation.CONTRADICTS: (ActionKind.CONTRADICT, EdgeType.CONTRADICTS),
        Relation.CAUSES: (ActionKind.RELATE, EdgeType.CAUSES),
        Relation.FOLLOWS: (ActionKind.RELATE, EdgeType.FOLLOWS),
        Relation.RELATED: (ActionKind.RELATE, EdgeType.RELATES_TO),
    }
    for found, cosine in judged.of(*edges):
        kind, edge = edges[found.relation]
        both = (edge, found.source, found.target), (edge, found.target, found.source)
        known = both[0] in existing or (edge not in _DIRECTED and both[1] in existing)
        if not known and not {found.source, found.target} & (gone | frozen):
            weight = round(ALIKE_WEIGHT * min(cosine, 1.0), 4) if edge is EdgeType.RELATES_TO else 1.0
            ids = (found.source, found.target)
            actions.append(_action(kind, ids, found.reason, found.confidence, judged, versions, edge, weight))
    return actions


def _alike(judged: Judged, frozen: set[str]) -> list[tuple[tuple[str, ...], str, float]]:
    """Return groups of memories of the same words, the earliest of each first, which stays.

    What was said again after it had changed is not the same any more, and what ends earlier does not stand for what
    ends later.
    """
    beside: dict[str, set[str]] = {}
    sure: dict[str, Judgement] = {}
    for found, _ in judged.of(Relation.SAME):
        older, newer = by_age(judged.readings[found.source], judged.readings[found.target])
        ends = judged.states[older.memory_id].valid_to < judged.states[newer.memory_id].valid_to
        read = [is_read(judged.states[r.memory_id].fields) for r in (older, newer)]
        if ends or read[0] != read[1] or judged.changed_between(older, newer):
            continue  # what somebody said, and what was read in it, stay two
        if found.confidence >= SURE and not {found.source, found.target} & frozen:
            beside.setdefault(found.source, {found.source}).add(found.target)
            beside.setdefault(found.target, {found.target}).add(found.source)
            sure[found.source] = sure[found.target] = found
    groups = []
    taken: set[str] = set()
    for one in sorted(beside, key=lambda i: (judged.states[i].valid_from, i)):
        members = beside[one] - taken
        if one in taken or len(members) < 2:
            continue
        taken |= members
        ids = tuple(sorted(members, key=lambda i: (judged.states[i].valid_from, i)))
        groups.append((ids, sure[one].reason, sure[one].confidence))
    return groups


def _action(
    kind: ActionKind,
    ids: Sequence[str],
    reason: str,
    confidence: float,
    judged: Judged,
    versions: Mapping[str, int],
    edge: EdgeType | None = None,
    weight: float = 1.0,
) -> Action:
    return Action(
        kind=kind,
        ids=tuple(ids),
        versions={i: versions[i] for i in ids},
        reason=reason,
        confidence=confidence,
        edge=None if edge is None else edge.value,
        weight=weight,
        evidence=judged.evidence(ids),
    )


def over_capacity(
    states: Iterable[State],
    versions: Mapping[str, int],
    capacity: Mapping[str, int],
    usage: Mapping[str, tuple[int, int]],
    links: Mapping[str, int],
    now: int,
) -> list[Action]:
    """Return the actions that archive the least valuable memories beyond the capacity of their type.

    A working memory that was recalled twice or more is promoted to long-term memory instead.
    """
    actions: list[Action] = []
    by_type: dict[str, list[State]] = {}
    for state in states:
        by_type.setdefault(str(state.fields["memory_type"]), []).append(state)
    for kind in (k for k in MEMORY_TYPES if k in capacity):
        many = by_type.get(kind, [])
        free = [s for s in many if not s.fields.get("frozen")]
        free.sort(key=lambda s: (_value(s, usage, links, now), s.memory_id))
        for state in free[: max(0, len(many) - capacity[kind])]:
            recalled = usage.get(state.memory_id, (0, 0))[0]
            promoted = kind == "WorkingMemory" and recalled >= 2
            reason = f"more than {capacity[kind]} of {kind}; recalled {recalled} times"
            actions.append(single(ActionKind.PROMOTE if promoted else ActionKind.ARCHIVE, state, versions, reason))
    return actions


def expired(
    states: Iterable[State],
    versions: Mapping[str, int],
    expiry: Mapping[str, float],
    usage: Mapping[str, tuple[int, int]],
    now: int,
) -> list[Action]:
    """Return the actions that end memories which were neither learned nor recalled for the days of their type."""
    actions = []
    for state in sorted(states, key=lambda s: s.memory_id):
        days = expiry.get(str(state.fields["memory_type"]))
        last = max(usage.get(state.memory_id, (0, 0))[1], state.recorded_from, state.valid_from)
        if days is not None and now - last > days * _DAY and not state.fields.get("frozen"):
            reason = f"of no use for {days:g} days"
            actions.append(single(ActionKind.EXPIRE, state, versions, reason))
    return actions


def single(kind: ActionKind, state: State, versions: Mapping[str, int], reason: str) -> Action:
    """Return an action on one memory that is a matter of rules, not of judgement."""
    return Action(
        kind=kind,
        ids=(state.memory_id,),
        versions={state.memory_id: versions[state.memory_id]},
        reason=reason,
        confidence=1.0,
        evidence={"texts": {state.memory_id: caption(str(state.fields["memory"]), 200)}},
    )


def _value(state: State, usage: Mapping[str, tuple[int, int]], links: Mapping[str, int], now: int) -> float:
    """Return what a memory is worth keeping: recalls, links and confidence, faded by the months since it was of use."""
    recalled, last = usage.get(state.memory_id, (0, 0))
    months = max(0, now - max(last, state.recorded_from)) / (30 * 86_400_000_000)
    worth = 1 + recalled + 0.2 * min(links.get(state.memory_id, 0), 20)
    faded: float = 0.5 ** min(months, 60)
    return worth * float(state.fields.get("confidence", 100.0)) / 100 * faded
