"""Which tools a caller has at a moment: their schemas, and the calls that were noted, read and put together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from treemem.changes import State
from treemem.contents import TOOL_SCHEMA, TOOL_TRAJECTORY, is_call, is_tool
from treemem.context import Context
from treemem.filters import Condition, Filter, joined, known_field, of_types, passes
from treemem.ids import derived_id
from treemem.ingest.tooling import ToolSchema, declared_in
from treemem.items import STATUSES
from treemem.read.states import batched, each_page, states_at
from treemem.store.protocol import LIVE, Recall, seeds_alone
from treemem.temporal import Moment, from_micros
from treemem.text import analyse, distinct
from treemem.tool_records import Tool, ToolCall, ToolExperience
from treemem.write.preferring import KEPT

#: Memories that a search looks at, the nearest; and calls of one tool, those nearest to the question.
MOST_NEAR, MOST_CALLS = 200, 200
#: Calls and experiences that a tool is shown with; calls after a failed one among which the one that worked is found.
SHOWN, EXPERIENCES, AFTER = 3, 5, 5
#: Prompts that are looked at for the schema of a tool, those of its newest calls.
MOST_PROMPTS = 3
_STATUSES = (*LIVE, KEPT)
_THERE = tuple(status for status in STATUSES if status != "deleted")
_TYPES = of_types([TOOL_SCHEMA, TOOL_TRAJECTORY])


@dataclass(slots=True)
class _Seen:
    """What a caller sees of one tool: the schemas that were registered, the calls, the cosines to a question."""

    name: str
    registered: list[State] = field(default_factory=list)
    calls: list[State] = field(default_factory=list)
    near: dict[str, float] = field(default_factory=dict)

    @property
    def similarity(self) -> float | None:
        return max(self.near.values(), default=None)


def tools_at(ctx: Context, moment: Moment, name: str | None = None) -> list[Tool]:
    """Return the tools that a caller has at a moment, by name: all, or the one of a name."""
    named = None if name is None else Condition(known_field("info.tool"), "=", name)
    where = joined(_TYPES, named, ctx.visible)
    states: list[State] = []
    for page in each_page(ctx, moment, _STATUSES, where=where):
        states += page.states
        moment = Moment(moment.now, page.valid_at, page.known_at)
    seen = _by_name(_grounded(ctx, states, moment))
    return sorted(_told(ctx, list(seen.values()), moment), key=lambda tool: tool.name)


def tools_near(ctx: Context, question: str, moment: Moment, most: int) -> list[Tool]:
    """Return the tools that bear on a question, the nearest first: by their schemas, and by the calls that were made.

    What is told of each comes from those of its calls that are nearest to the question.
    """
    vector = ctx.embed_questions([question])[0]
    found, moment = _recalled(ctx, vector, question, moment, _TYPES, MOST_NEAR)
    near = sorted(_by_name(found, vector).values(), key=lambda seen: (-(seen.similarity or 0.0), seen.name))
    chosen: list[_Seen] = []
    for each in near:
        if len(chosen) == most:
            break
        named = joined(_TYPES, Condition(known_field("info.tool"), "=", each.name))
        states, _ = _recalled(ctx, vector, "", moment, named, MOST_CALLS)
        chosen += islice(_by_name(states, vector).values(), 1)
    return _told(ctx, chosen, moment)


def _recalled(
    ctx: Context, vector: Any, text: str, moment: Moment, where: Filter | None, most: int
) -> tuple[list[State], Moment]:
    """Return the memories of tools nearest to a question, and the moment at which they were read."""
    recall = Recall(
        ctx.cube,
        moment,
        vector=vector,
        tokens=tuple(distinct(analyse(text))[:64]),
        statuses=_STATUSES,
        filter=where,
        visible=ctx.visible,
        vector_limit=most,
        text_limit=most if text else 0,
        hops=0,
        model=ctx.model,
        vectors=True,
    )
    around, states = ctx.store.recall(recall, seeds_alone)
    at = Moment(moment.now, around.valid_at, around.known_at)
    return _grounded(ctx, states, at), at


def _grounded(ctx: Context, states: Sequence[State], moment: Moment) -> list[State]:
    """Return the schemas, and the calls all of whose messages are there and seen by the caller."""
    some = [s for s in states if is_tool(s.fields) or is_call(s.fields)]
    wanted = sorted({i for s in some if is_call(s.fields) for i in s.fields["info"]["messages"]})
    there: set[str] = set()
    for batch in batched(wanted):
        there |= {s.memory_id for s in ctx.store.states(ctx.cube, batch, moment, statuses=_THERE) if _sees(ctx, s)}
    return [s for s in some if is_tool(s.fields) or there.issuperset(s.fields["info"]["messages"])]


def _sees(ctx: Context, state: State) -> bool:
    return passes(ctx.visible, state)


def _by_name(states: Iterable[State], vector: Any = None) -> dict[str, _Seen]:
    found: dict[str, _Seen] = {}
    for state in states:
        name = str(state.fields["info"]["tool"])
        seen = found.setdefault(name, _Seen(name))
        (seen.registered if is_tool(state.fields) else seen.calls).append(state)
        if vector is not None and state.embedding is not None:
            seen.near[state.memory_id] = float(vector @ state.embedding)
    return found


def _told(ctx: Context, many: Sequence[_Seen], moment: Moment) -> list[Tool]:
    """Return what is seen of tools as tools."""
    for seen in many:
        seen.calls.sort(key=_place, reverse=True)
        seen.registered.sort(key=lambda s: (s.fields.get("user_id") != ctx.caller.user_id, -s.valid_from, s.memory_id))
    prompts = {seen.name: _prompts(seen) for seen in many if not seen.registered}
    wanted = sorted({i for some in prompts.values() for i in some})
    said = {s.memory_id: declared_in(str(s.fields["memory"])) for s in states_at(ctx, wanted, moment)} if wanted else {}
    return [_tool(ctx, seen, [(i, said[i]) for i in prompts.get(seen.name, ()) if i in said]) for seen in many]


def _prompts(seen: _Seen) -> list[str]:
    """Return the prompts that declared a tool when it was called last."""
    ids = (s.fields["info"].get("declared") for s in seen.calls)
    return list(islice(dict.fromkeys(i for i in ids if i is not None), MOST_PROMPTS))


def _tool(ctx: Context, seen: _Seen, said: Sequence[tuple[str, Mapping[str, ToolSchema]]]) -> Tool:
    calls, near = seen.calls, seen.near
    shown = sorted(calls, key=lambda s: -near.get(s.memory_id, -1.0)) if near else calls
    schema, origin, declared = _called(seen), "called", None
    memory_id, whose = derived_id("tool_seen", ctx.cube, seen.name), calls[0].fields.get("user_id") if calls else None
    if seen.registered:
        own = seen.registered[0]
        told = own.fields["info"]
        schema, origin = (
            ToolSchema(seen.name, told.get("description") or "", told.get("parameters") or {}),
            "registered",
        )
        memory_id, whose = own.memory_id, own.fields.get("user_id")
    elif found := next(((i, some[seen.name]) for i, some in said if seen.name in some), None):
        (declared, schema), origin = found, "declared"
    return Tool(
        id=memory_id,
        name=seen.name,
        description=schema.description,
        parameters=schema.parameters,
        origin=origin,
        calls=len(calls),
        failed=sum(not _is_ok(s) for s in calls),
        last_used=from_micros(calls[0].valid_from) if calls else None,
        recent=tuple(ToolCall.of(s, near.get(s.memory_id)) for s in shown[:SHOWN]),
        experience=tuple(islice(_experience(calls), EXPERIENCES)),
        user_id=whose,
        declared_in=declared,
        similarity=seen.similarity,
    )


def _called(seen: _Seen) -> ToolSchema:
    """Return what the calls of a tool tell of its parameters: their names and types, and none that are required."""
    types: dict[str, set[str]] = {}
    for state in seen.calls:
        for name, kind in state.fields["info"]["arguments"].items():
            types.setdefault(name, set()).add(kind)
    properties = {name: {"type": min(kinds) if len(kinds) == 1 else sorted(kinds)} for name, kinds in types.items()}
    return ToolSchema(seen.name, "", {"type": "object", "properties": properties} if seen.calls else {})


def _experience(calls: Sequence[State]) -> Iterable[ToolExperience]:
    """Yield what failed and what then worked, the newest first, each once; `calls` are the newest first."""
    by_conversation: dict[str, list[State]] = {}
    for state in reversed(calls):
        by_conversation.setdefault(str(state.fields["info"].get("conversation")), []).append(state)
    after: dict[str, State | None] = {}
    for some in by_conversation.values():
        for n, state in enumerate(some):
            after[state.memory_id] = next((s for s in some[n + 1 : n + 1 + AFTER] if _is_ok(s)), None)
    told: set[str] = set()
    failed = [s for s in calls if not _is_ok(s)]
    for state in sorted(failed, key=lambda s: after[s.memory_id] is None):
        worked = after[state.memory_id]
        info = state.fields["info"]
        text = f'failed with "{info.get("error") or "failed"}": {info["call"]}'
        text += "" if worked is None else f"; worked then: {worked.fields['info']['call']}"
        if text not in told:
            told.add(text)
            yield ToolExperience(text, state.memory_id, None if worked is None else worked.memory_id)


def _is_ok(state: State) -> bool:
    return bool(state.fields["info"]["outcome"] == "ok")


def _place(state: State) -> tuple[int, int, int, str]:
    return state.valid_from, state.recorded_from, int(state.fields["info"].get("sequence") or 0), state.memory_id
