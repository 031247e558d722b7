"""What the reorganizer would do: plans for a cube, and for a running conversation. Reads, and writes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from treemem.changes import EdgeType
from treemem.checks import among, within
from treemem.contents import is_topic
from treemem.errors import InvalidInputError
from treemem.filters import joined, of_types
from treemem.items import CAPACITY, MEMORY_TYPES
from treemem.models.llm import LLMUsage
from treemem.reorganize import attention, candidates, naming, planner
from treemem.reorganize.plan import Action, ActionKind, Plan
from treemem.search.options import MAX_TOP_K
from treemem.store.protocol import LIVE
from treemem.temporal import Moment
from treemem.verbs.arranging import arranged
from treemem.verbs.searching import SearchVerbs

if TYPE_CHECKING:
    from treemem.changes import State

#: The cosine from which a language model is asked about a pair.
_ASKED_FROM = 0.5
_LINKS = (EdgeType.SUPERSEDES, EdgeType.CONTRADICTS, EdgeType.CAUSES, EdgeType.FOLLOWS, EdgeType.RELATES_TO)


class Proposals:
    """plan, schedule."""

    CAPACITY: Mapping[str, int] = CAPACITY

    def __init__(self, memory: SearchVerbs) -> None:
        self._memory = memory

    def plan(
        self,
        *,
        everything: bool = False,
        neighbours: int = 8,
        least: float = 0.2,
        capacity: Mapping[str, int] | None = None,
        expiry: Mapping[str, float] | None = None,
        group: bool = False,
        kinds: Sequence[str] | None = None,
        ask: bool | None = None,
        max_tokens: int = 50_000,
    ) -> Plan:
        """Return what to do about what changed since the last run (or about `everything`); nothing is changed.

        Each changed memory is compared with its `neighbours` nearest of a cosine of at least `least`. The least
        valuable memories of a type beyond its `capacity` are archived, never deleted, and working memories that were
        recalled often promoted; topics do not count. The default is the configuration's (`Reorganizer.CAPACITY`: 20
        WorkingMemory, 1,500 LongTermMemory, 480 UserMemory); `{}` bounds nothing. With an
        `expiry` ({"WorkingMemory": 30}, in days), memories that were neither learned nor recalled for so long no longer
        hold from now on. Both look at the whole cube, and leave frozen memories alone. With `group`, memories without a
        parent join the nearest topic or, four or more alike, make a new one; topics of forty or more, or of little in
        common, are split, topics that are alike become one, and topics come below topics (`memory.tree()` shows them).
        `kinds` are the kinds of actions wanted.

        With `ask` (the default where the memory was opened with an `llm`), pairs about which the rules are not sure go
        to the language model, twenty a request, for about `max_tokens` of prompt. It relates and flags; alone
        it closes and merges nothing, and what the rules would close stays open where it does not agree.
        Where it fails, the rules' judgement stands, and the plan's `notes` say so. It also names new topics. A
        caller plans over what it sees. Raises InvalidInputError.
        """
        within("neighbours", neighbours, 1, 100)
        within("least", least, -1, 1)
        if capacity:
            among("capacity", list(capacity), MEMORY_TYPES)
        if expiry:
            among("expiry", list(expiry), MEMORY_TYPES)
            for days in expiry.values():
                within("expiry", days, 0, 100_000)
        store, cube = self._memory._store, self._memory._cube
        info = store.settled(cube)
        if info is None:
            return Plan(id=str(uuid.uuid4()), cube=cube, until=0, looked_at=0, actions={})
        moment = Moment(self._memory._now())
        sees = self._memory._caller.sees
        since = None if everything else candidates.watermark(store, cube)
        if since is None:
            pages = self._memory._pages(moment, LIVE, vectors=True, where=self._memory._visible)
            states = [s for page in pages for s in page.states]
        else:
            states = [s for s in candidates.changed(store, cube, since, moment) if sees(s)]
        judged = planner.Judged({s.memory_id: s for s in states})
        pairs = candidates.pairs(store, cube, states, moment, neighbours=neighbours, least=least)
        near = [pair for pair in pairs if sees(pair.one) and sees(pair.other)]
        for pair in near:
            if not (is_topic(pair.one.fields) or is_topic(pair.other.fields)):
                judged.add(pair)
        asking = ask or (ask is None and self._memory._llm is not None)
        notes, usage = self._ask(judged, max_tokens) if asking else ((), LLMUsage())
        # One that was purged meanwhile has no version: an action on it is skipped when it is applied.
        versions = dict.fromkeys(judged.states, 0) | self._memory._last_versions(sorted(judged.states))
        edges = self._memory._edges_at(sorted(judged.states), _LINKS, moment, statuses=None)
        existing = frozenset((e.type.value, e.source, e.target) for e in edges)
        actions = planner.planned(judged, versions, existing)
        changing = {i for a in actions if a.kind not in (ActionKind.RELATE, ActionKind.CONTRADICT) for i in a.ids}
        if group:
            arranging = arranged(self._memory, near, states, moment, changing)
            if asking and self._memory._llm is not None:
                arranging, failed, more = naming.named(self._memory._llm, arranging)
                notes, usage = (*notes, *failed), usage + more
            actions += arranging
        bounds = self._exceeded(self._memory._config.capacity if capacity is None else capacity, moment)
        if bounds or expiry:
            actions += self._outlived(bounds, expiry or {}, moment, changing)
        plan = Plan(
            id=str(uuid.uuid4()),
            cube=cube,
            until=info.clock,
            looked_at=len(states),
            notes=notes,
            asked=usage.requests,
            tokens=usage.prompt_tokens + usage.completion_tokens,
            seconds=usage.seconds,
            cost=usage.cost,
            actions=dict(enumerate(actions)),
        )
        return plan if kinds is None else plan.only(*kinds)

    def _ask(self, judged: planner.Judged, max_tokens: int) -> tuple[tuple[str, ...], LLMUsage]:
        """Let the language model judge what the rules are not sure of; return what failed, and what it took."""
        from treemem.judge.model import ModelJudge
        from treemem.judge.protocol import bound

        if self._memory._llm is None:
            raise InvalidInputError("ask=True asks a language model; open the memory with llm=OpenAILLM(...)")
        places = judged.doubtful(_ASKED_FROM)
        pairs = [(judged.readings[f.source], judged.readings[f.target]) for f, _ in (judged.found[n] for n in places)]
        verdicts = bound(ModelJudge(self._memory._llm, max_tokens), pairs)
        for place, judgement in zip(places, verdicts.judgements, strict=True):
            if judgement is not None:
                judged.learn(place, judgement)
        return verdicts.notes, verdicts.usage

    def schedule(
        self, conversation: str | Iterable[str | Mapping[str, Any]], *, size: int = 20, least: float = 0.3
    ) -> Plan:
        """Return what to bring into working memory for a running conversation, and what to put back; apply it then.

        `conversation` is a text, or texts or messages of which the last six count, the last one most. Working memory
        is to hold at most `size` memories: those with a cosine of at least `least` to what is said (or reached from
        such), weighed by freshness, by use, and by being there already. What leaves goes back to the type it had. The
        memories are those that this memory's caller may see. Raises InvalidInputError.
        """
        within("size", size, 1, 1_000)
        memory = self._memory
        moment = Moment(memory._now())
        found: dict[str, float] = {}
        for text in attention.said_last(conversation):
            types = [attention.WORKING, *attention.SOURCES]
            for hit in memory.search(text, min(2 * size, MAX_TOP_K), memory_types=types, relativity=least, when="now"):
                if hit.superseded_by is None:
                    found[hit.id] = max(found.get(hit.id, 0.0), hit.score)
        where = joined(of_types([attention.WORKING]), memory._visible)
        states = [s for page in memory._pages(moment, LIVE, where=where) for s in page.states]
        there = {s.memory_id for s in states}
        states += memory._states(sorted(found.keys() - there), moment)
        states = [s for s in states if memory._caller.owns(s)]
        ids = [s.memory_id for s in states]
        usage = memory._store.usage(memory._cube, ids)
        actions = attention.scheduled(found, states, memory._last_versions(ids), usage, size, moment.now)
        return Plan(
            id=str(uuid.uuid4()), cube=memory._cube, until=0, looked_at=len(states), actions=dict(enumerate(actions))
        )

    def _exceeded(self, bounds: Mapping[str, int], moment: Moment) -> dict[str, int]:
        """Return the bounds of the types that hold more memories; they are counted before any is read."""
        sizes = self._memory._store.sizes(self._memory._cube, moment.now) if bounds else {}
        return {kind: most for kind, most in bounds.items() if sizes.get(kind, 0) > most}

    def _outlived(
        self, capacity: Mapping[str, int], expiry: Mapping[str, float], moment: Moment, busy: set[str]
    ) -> list[Action]:
        """Return the actions that end what was of no use for long, and bring each type back to its capacity."""
        memory = self._memory
        where = of_types([*capacity, *expiry])
        pages = memory._pages(moment, LIVE, where=where)
        held = [s for page in pages for s in page.states if memory._caller.owns(s)]
        many = [s for s in held if s.memory_id not in busy and not is_topic(s.fields)]
        aging = [s for s in many if s.fields["memory_type"] in expiry]
        usage = memory._store.usage(memory._cube, [s.memory_id for s in aging])
        ending = planner.expired(
            aging, self._memory._last_versions([s.memory_id for s in aging]), expiry, usage, moment.now
        )
        ended = {i for action in ending for i in action.ids}
        many = [s for s in many if s.memory_id not in ended]
        return ending + self._over_capacity(many, capacity, moment)

    def _over_capacity(self, many: list[State], capacity: Mapping[str, int], moment: Moment) -> list[Action]:
        memory = self._memory
        over = {k for k in capacity if sum(s.fields["memory_type"] == k for s in many) > capacity[k]}
        many = [s for s in many if s.fields["memory_type"] in over]
        if not many:
            return []
        ids = [s.memory_id for s in many]
        links: dict[str, int] = {}
        for edge in memory._edges_at(ids, None, moment, statuses=None):
            for end in (edge.source, edge.target):
                links[end] = links.get(end, 0) + 1
        usage = memory._store.usage(memory._cube, ids)
        bounds = {kind: capacity[kind] for kind in over}
        return planner.over_capacity(many, self._memory._last_versions(ids), bounds, usage, links, moment.now)
