"""feedback: what somebody says about what is remembered becomes a plan, and the plan one operation.

The words are always kept, as a message. What they change points to them (DERIVED_FROM), so that it is erased with
them; a name that takes the place of another one in many memories is theirs from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from treemem import planning
from treemem.caller import WHOSE, owners_of
from treemem.canonical import request_json
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, State, StateAssert
from treemem.contents import fields_of, is_message, is_topic
from treemem.context import Context
from treemem.errors import ConflictError, InvalidInputError, LLMError
from treemem.ids import checked_id, derived_id
from treemem.ingest.preferring import LONGEST_TOPIC, stated
from treemem.items import TextualMemoryItem, validated
from treemem.judge.closing import closes
from treemem.knowledge.asked import by_model
from treemem.knowledge.candidates import FEEDBACK, named, searched
from treemem.knowledge.plans import FeedbackAction, FeedbackChange, FeedbackPlan
from treemem.knowledge.renaming import renamed_fields
from treemem.knowledge.understood import by_patterns
from treemem.models.llm import LLM
from treemem.read.states import histories, states_at
from treemem.storable import checked_text
from treemem.temporal import END
from treemem.text import caption
from treemem.write.changing import plan_change
from treemem.write.committing import commit, done_before, new_change
from treemem.write.derived import let_derived_follow
from treemem.write.hiding import plan_rewrite
from treemem.write.intent import Intent
from treemem.write.messaging import message_change
from treemem.write.preferring import Noted, preference_fields, rows

#: Bytes of feedback that are read.
LONGEST = 10_000


def feedback(
    ctx: Context,
    text: str,
    conversation_id: str | None,
    about: str | Iterable[str] | None,
    llm: LLM | None,
    apply: bool,
    intent: Intent,
) -> FeedbackPlan:
    """See `TreeTextMemory.feedback`."""
    checked_text(text, "text")
    if len(text) > LONGEST:
        raise InvalidInputError(f"text: wanted at most {LONGEST} characters of feedback, found {len(text)}")
    if conversation_id is not None:
        checked_text(conversation_id, "conversation_id")
    if llm is not None and not callable(getattr(llm, "ask", None)):
        raise InvalidInputError(f"llm: wanted a language model such as OpenAILLM(...), found {type(llm).__name__}")
    many = [about] if isinstance(about, str) else about
    ids = None if many is None else list(dict.fromkeys(checked_id(i, "about") for i in many))
    base = new_change(ctx, "feedback", intent)
    base = replace(base, request=request_json(["feedback", text, conversation_id, ids, *ctx.caller.names]))
    done = done_before(ctx, base) if intent.repeatable and apply else None
    if done is not None:
        return _done(ctx, text, base)
    states = None if ids is None else named(ctx, ids)
    plan = understood(ctx, text, states, llm or ctx.llm)
    if not apply:
        return plan
    made: dict[str, str] = {}
    receipt = commit(
        ctx,
        base,
        partial(_change, ctx, intent, plan, conversation_id, made, states or ()),
        repeatable=intent.repeatable,
    )
    changed = sorted({each.memory_id for each in plan.changes if each.memory_id is not None})
    let_derived_follow(ctx, base, receipt, changed, apart=changed)
    return replace(plan, applied=True, operation=receipt.operation, memory_id=made.get("words"))


def understood(ctx: Context, text: str, about: Sequence[State] | None, llm: LLM | None) -> FeedbackPlan:
    """Return what feedback changes: by its words where these say it plainly, by a model where there is one."""
    plan = by_patterns(ctx, text, about)
    sure = any(each.action in ("replace", "prefer", "retract") for each in plan.changes)
    if llm is None or sure:
        return plan
    try:
        return by_model(ctx, llm, text, searched(ctx, text) if about is None else about)
    except LLMError as error:
        return replace(plan, notes=(f"the language model did not answer: {error}", *plan.notes))


def _done(ctx: Context, text: str, base: ChangeSet) -> FeedbackPlan:
    """Return the plan of feedback that was applied before, as its operation tells."""
    touched = ctx.store.touched(ctx.cube, base.operation)
    before = {s.memory_id: s for s in touched.states_closed if ctx.caller.sees(s)}
    after = {s.memory_id: s for s in sorted(touched.states_opened, key=lambda s: s.valid_from)}
    changes = tuple(_as_done(old, after.get(memory_id)) for memory_id, old in sorted(before.items()))
    words = (s for s in touched.states_opened if s.fields["memory"] == text and is_message(s.fields.get("sources", ())))
    return FeedbackPlan(
        text,
        changes,
        notes=("it was done before",),
        applied=True,
        operation=base.operation,
        memory_id=next((s.memory_id for s in words), None),
        repeated=True,
    )


def _as_done(old: State, new: State | None) -> FeedbackChange:
    was, now = str(old.fields["memory"]), None if new is None else str(new.fields["memory"])
    if new is not None and new.fields["status"] == "deleted":
        return FeedbackChange("retract", old.memory_id, was, None, "done before")
    action: FeedbackAction = "supersede" if now in (None, was) else "correct"
    return FeedbackChange(action, old.memory_id, was, now, "done before")


def _change(
    ctx: Context,
    intent: Intent,
    plan: FeedbackPlan,
    conversation_id: str | None,
    made: dict[str, str],
    about: Sequence[State],
    base: ChangeSet,
) -> ChangeSet:
    """Return the change set of a plan: the words, and what they change; `about` is what they were given for."""
    ids = sorted({each.memory_id for each in plan.changes if each.memory_id is not None})
    states = {s.memory_id: s for s in states_at(ctx, ids, ctx.moment(), vectors=True)}
    _require_unchanged(plan, states)
    given_for = [states[i] for i in ids] or about
    whose = _owner(ctx, given_for)
    by_words = plan.by == "patterns" and any(each.action == "prefer" for each in plan.changes)
    wished = by_words or (not plan.changes and ctx.config.note_preferences)
    noted = {**whose, "info": {FEEDBACK: True}}
    if not ctx.caller and len({owners_of(s.fields) for s in given_for}) > 1:  # one owner must not read of another
        noted |= {"visibility": "session", "session_id": base.operation}
    words, made["words"] = message_change(ctx, base, intent, plan.feedback, conversation_id, noted, preferences=wished)
    if plan.changes and not by_words:
        words = _put_away(words, made["words"])
    groups = [words]
    for each in plan.changes:
        if each.action != "prefer" or not by_words:
            groups.append(_rows(ctx, base, each, states.get(each.memory_id or ""), made["words"], whose))
    together = planning.with_rows(
        base,
        states=_once(row for group in groups for row in group.states),
        edges=dict.fromkeys(edge for group in groups for edge in group.edges),
        entities={each.id: each for group in groups for each in group.entities}.values(),
        sources=[each for group in groups for each in group.sources],
        expected={i: version for group in groups for i, version in group.expected.items()},
    )
    return replace(together, log=words.log, log_end=words.log_end)


def _once(states: Iterable[StateAssert]) -> list[StateAssert]:
    """Return states; a new memory that supersedes several old ones is made once."""
    made: set[str] = set()
    found = []
    for state in states:
        if state.create and state.memory_id in made:
            continue
        made |= {state.memory_id} if state.create else set()
        found.append(state)
    return found


def _require_unchanged(plan: FeedbackPlan, states: Mapping[str, State]) -> None:
    for each in plan.changes:
        if each.memory_id is None:
            continue
        state = states.get(each.memory_id)
        if state is None or str(state.fields["memory"]) != each.old:
            raise ConflictError(
                f"memory {each.memory_id!r} has changed since the plan was made; give the feedback again"
            )


def _owner(ctx: Context, states: Sequence[State]) -> dict[str, Any]:
    """Return whose new memories are: the caller's; those of whoever opened the memory, like all that they are about."""
    owners = {owners_of(s.fields) for s in states}
    if ctx.caller or len(owners) != 1:
        return {}
    return {name: states[0].fields[name] for name in WHOSE if states[0].fields.get(name) is not None}


def _put_away(words: ChangeSet, memory_id: str) -> ChangeSet:
    """Return the change of a message that is kept, and not searched: what it says stands elsewhere."""
    rows = []
    for row in words.states:
        if row.memory_id == memory_id and row.content is not None:
            content = replace(row.content, fields={**row.content.fields, "status": "archived"})
            row = replace(row, content=content)
        rows.append(row)
    return replace(words, states=tuple(rows))


def _rows(
    ctx: Context,
    base: ChangeSet,
    each: FeedbackChange,
    state: State | None,
    words: str,
    whose: Mapping[str, Any],
) -> ChangeSet:
    memory_id = derived_id("feedback", base.operation, str(each.new))
    if state is not None and not ctx.caller:  # what takes its place is seen by the same callers
        whose = _owner(ctx, [state])
        memory_id = derived_id(memory_id, *map(str, owners_of(state.fields)))
    if state is None:
        made = _preferred if each.action == "prefer" else _added
        return made(ctx, base, memory_id, str(each.new), words, whose)
    if each.action == "retract":
        return plan_rewrite(ctx, replace(base, kind="delete"), [state.memory_id])
    if each.action == "replace":
        return _replaced(ctx, base, state, each)
    if each.action == "correct":
        change = plan_change(ctx, replace(base, kind="correct"), state.memory_id, str(each.new), {}, None)
        return replace(change, edges=(*change.edges, EdgeAssert(EdgeType.DERIVED_FROM, state.memory_id, words)))
    return _superseded(ctx, base, memory_id, state, str(each.new), words, whose)


def _replaced(ctx: Context, base: ChangeSet, state: State, each: FeedbackChange) -> ChangeSet:
    """Return the change that replaces a name from now on; what was said is read back as it was said."""
    fields = renamed_fields(state.fields, *(each.names or ("", "")))
    text = fields.pop("memory", None)
    if is_topic(state.fields):  # it lies where its members lie
        fields["embedding"] = state.embedding
    return plan_change(ctx, replace(base, kind="update"), state.memory_id, text, fields, None)


def _added(ctx: Context, base: ChangeSet, memory_id: str, text: str, words: str, whose: Mapping[str, Any]) -> ChangeSet:
    metadata = ctx.caller.signed({"source": "conversation", **whose})
    fields = fields_of(validated(TextualMemoryItem, {"id": memory_id, "memory": text, "metadata": metadata}))
    made = planning.creation(base, memory_id, fields, ctx.vectors_of([fields])[0], None, END)
    return replace(made, edges=(*made.edges, EdgeAssert(EdgeType.DERIVED_FROM, memory_id, words)))


def _preferred(
    ctx: Context, base: ChangeSet, memory_id: str, text: str, words: str, whose: Mapping[str, Any]
) -> ChangeSet:
    said = next(iter(stated(text)), None)
    topic, polarity = (said.topic, said.polarity) if said else (caption(text, LONGEST_TOPIC), "for")
    fields = preference_fields(memory_id, text, topic, polarity, "explicit", ctx.caller.signed(whose))
    state, edges = rows(Noted(memory_id, (words,), fields), ctx.vectors_of([fields])[0], None)
    return planning.with_rows(base, states=[state], edges=edges)


def _superseded(
    ctx: Context, base: ChangeSet, memory_id: str, state: State, text: str, words: str, whose: Mapping[str, Any]
) -> ChangeSet:
    """Return the change that puts a new memory before an old one, which ends where it says nothing else."""
    seen = {"visibility": state.fields["visibility"]} if state.fields.get("visibility") else {}
    made = _added(ctx, base, memory_id, text, words, {**seen, **whose})
    edge = EdgeAssert(EdgeType.SUPERSEDES, memory_id, state.memory_id)
    ending = base
    if closes(state) and state.valid_from < base.now:
        ending = planning.expire(base, state.memory_id, histories(ctx, [state.memory_id])[state.memory_id], None)
    return planning.with_rows(
        base,
        states=[*made.states, *ending.states],
        edges=[*made.edges, edge],
        entities=made.entities,
        expected=ending.expected,
    )
