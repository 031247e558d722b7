"""What the reorganizer would do: plans for a cube, and for a running conversation. Reads, and writes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from treemem.changes import EdgeType
from treemem.checks import among, within
from treemem.contents import document_of, is_topic
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.filters import joined, of_types
from treemem.items import MEMORY_TYPES
from treemem.models.llm import LLMUsage
from treemem.read.states import each_page, edges_at, last_versions, states_at
from treemem.reorganize import attention, candidates, naming, planner
from treemem.reorganize.arranging import arranged
from treemem.reorganize.plan import Action, ActionKind, Plan, as_reason
from treemem.search.asking import search
from treemem.search.options import MAX_TOP_K
from treemem.store.protocol import LIVE
from treemem.temporal import Moment

if TYPE_CHECKING:
    from treemem.changes import State

#: The cosine from which a language model is asked about a pair.
_ASKED_FROM = 0.5
_LINKS = (EdgeType.SUPERSEDES, EdgeType.CONTRADICTS, EdgeType.CAUSES, EdgeType.FOLLOWS, EdgeType.RELATES_TO)


def plan(
    ctx: Context,
    everything: bool,
    neighbours: int,
    least: float,
    capacity: Mapping[str, int] | None,
    expiry: Mapping[str, float] | None,
    group: bool,
    kinds: Sequence[str] | None,
    ask: bool | None,
    max_tokens: int,
) -> Plan:
    """See `Reorganizer.plan`."""
    within("neighbours", neighbours, 1, 100)
    within("least", least, -1, 1)
    if capacity:
        among("capacity", list(capacity), MEMORY_TYPES)
    if expiry:
        among("expiry", list(expiry), MEMORY_TYPES)
        for days in expiry.values():
            within("expiry", days, 0, 100_000)
    store, cube = ctx.store, ctx.cube
    info = store.settled(cube)
    if info is None:
        return Plan(id=str(uuid.uuid4()), cube=cube, until=0, looked_at=0, actions={})
    moment = Moment(ctx.now())
    sees = ctx.caller.sees
    since = None if everything else candidates.watermark(store, cube)
    if since is None:
        pages = each_page(ctx, moment, LIVE, vectors=True, where=ctx.visible)
        states = [s for page in pages for s in page.states]
    else:
        states = [s for s in candidates.changed(store, cube, since, moment) if sees(s)]
    judged = planner.Judged({s.memory_id: s for s in states})
    pairs = candidates.pairs(store, cube, states, moment, neighbours=neighbours, least=least)
    near = [pair for pair in pairs if sees(pair.one) and sees(pair.other)]
    for pair in near:
        if not any(is_topic(s.fields) or document_of(s.fields) for s in (pair.one, pair.other)):
            judged.add(pair)
    asking = ask or (ask is None and ctx.llm is not None)
    notes, usage = _ask(ctx, judged, max_tokens) if asking else ((), LLMUsage())
    # One that was purged meanwhile has no version: an action on it is skipped when it is applied.
    versions = dict.fromkeys(judged.states, 0) | last_versions(ctx, sorted(judged.states))
    edges = edges_at(ctx, sorted(judged.states), _LINKS, moment, statuses=None)
    existing = frozenset((e.type.value, e.source, e.target) for e in edges)
    actions = planner.planned(judged, versions, existing)
    changing = {i for a in actions if a.kind not in (ActionKind.RELATE, ActionKind.CONTRADICT) for i in a.ids}
    if group:
        arranging = arranged(ctx, near, states, moment, changing)
        if asking and ctx.llm is not None:
            arranging, failed, more = naming.named(ctx.llm, arranging)
            notes, usage = (*notes, *failed), usage + more
        actions += arranging
    bounds = _exceeded(ctx, ctx.config.capacity if capacity is None else capacity, moment)
    if bounds or expiry:
        actions += _outlived(ctx, bounds, expiry or {}, moment, changing)
    plan = Plan(
        id=str(uuid.uuid4()),
        cube=cube,
        until=info.clock,
        looked_at=len(states),
        notes=tuple(map(as_reason, notes)),
        asked=usage.requests,
        tokens=usage.prompt_tokens + usage.completion_tokens,
        seconds=usage.seconds,
        cost=usage.cost,
        actions=dict(enumerate(actions)),
    )
    return plan if kinds is None else plan.only(*kinds)


def _ask(ctx: Context, judged: planner.Judged, max_tokens: int) -> tuple[tuple[str, ...], LLMUsage]:
    """Let the language model judge what the rules are not sure of; return what failed, and what it took."""
    from treemem.judge.model import ModelJudge
    from treemem.judge.protocol import bound

    if ctx.llm is None:
        raise InvalidInputError("ask=True asks a language model; open the memory with llm=OpenAILLM(...)")
    places = judged.doubtful(_ASKED_FROM)
    pairs = [(judged.readings[f.source], judged.readings[f.target]) for f, _ in (judged.found[n] for n in places)]
    verdicts = bound(ModelJudge(ctx.llm, max_tokens), pairs)
    for place, judgement in zip(places, verdicts.judgements, strict=True):
        if judgement is not None:
            judged.learn(place, replace(judgement, reason=as_reason(judgement.reason)))
    return verdicts.notes, verdicts.usage


def schedule(ctx: Context, conversation: str | Iterable[str | Mapping[str, Any]], size: int, least: float) -> Plan:
    """See `Reorganizer.schedule`."""
    within("size", size, 1, 1_000)
    moment = Moment(ctx.now())
    found: dict[str, float] = {}
    for text in attention.said_last(conversation):
        types = [attention.WORKING, *attention.SOURCES]
        for hit in search(ctx, text, min(2 * size, MAX_TOP_K), memory_types=types, relativity=least, when="now"):
            if hit.superseded_by is None:
                found[hit.id] = max(found.get(hit.id, 0.0), hit.score)
    where = joined(of_types([attention.WORKING]), ctx.visible)
    states = [s for page in each_page(ctx, moment, LIVE, where=where) for s in page.states]
    there = {s.memory_id for s in states}
    states += states_at(ctx, sorted(found.keys() - there), moment)
    states = [s for s in states if ctx.caller.owns(s)]
    ids = [s.memory_id for s in states]
    usage = ctx.store.usage(ctx.cube, ids)
    actions = attention.scheduled(found, states, last_versions(ctx, ids), usage, size, moment.now)
    return Plan(id=str(uuid.uuid4()), cube=ctx.cube, until=0, looked_at=len(states), actions=dict(enumerate(actions)))


def _exceeded(ctx: Context, bounds: Mapping[str, int], moment: Moment) -> dict[str, int]:
    """Return the bounds of the types that hold more memories; they are counted before any is read."""
    sizes = ctx.store.sizes(ctx.cube, moment.now) if bounds else {}
    return {kind: most for kind, most in bounds.items() if sizes.get(kind, 0) > most}


def _outlived(
    ctx: Context, capacity: Mapping[str, int], expiry: Mapping[str, float], moment: Moment, busy: set[str]
) -> list[Action]:
    """Return the actions that end what was of no use for long, and bring each type back to its capacity."""
    where = of_types([*capacity, *expiry])
    pages = each_page(ctx, moment, LIVE, where=where)
    held = [s for page in pages for s in page.states if ctx.caller.owns(s)]
    many = [s for s in held if s.memory_id not in busy and not is_topic(s.fields)]
    aging = [s for s in many if s.fields["memory_type"] in expiry]
    usage = ctx.store.usage(ctx.cube, [s.memory_id for s in aging])
    ending = planner.expired(aging, last_versions(ctx, [s.memory_id for s in aging]), expiry, usage, moment.now)
    ended = {i for action in ending for i in action.ids}
    many = [s for s in many if s.memory_id not in ended]
    return ending + _over_capacity(ctx, many, capacity, moment)


def _over_capacity(ctx: Context, many: list[State], capacity: Mapping[str, int], moment: Moment) -> list[Action]:
    over = {k for k in capacity if sum(s.fields["memory_type"] == k for s in many) > capacity[k]}
    many = [s for s in many if s.fields["memory_type"] in over]
    if not many:
        return []
    ids = [s.memory_id for s in many]
    links: dict[str, int] = {}
    for edge in edges_at(ctx, ids, None, moment, statuses=None):
        for end in (edge.source, edge.target):
            links[end] = links.get(end, 0) + 1
    usage = ctx.store.usage(ctx.cube, ids)
    bounds = {kind: capacity[kind] for kind in over}
    return planner.over_capacity(many, last_versions(ctx, ids), bounds, usage, links, moment.now)
