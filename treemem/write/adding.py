"""add, replace_working_memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from treemem import planning
from treemem.arguments import given_metadata
from treemem.canonical import canonical_json
from treemem.changes import ChangeSet, State
from treemem.checks import is_several, shown
from treemem.contents import fields_of
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.filters import joined, of_types
from treemem.ids import checked_id
from treemem.items import MemoryLike, TextualMemoryItem, as_item, set_fields
from treemem.read.states import VISIBLE, each_page, histories
from treemem.temporal import END, Moment, TimeLike, parse_time
from treemem.write.addition import Addition, Amend, Progress, write_parts
from treemem.write.committing import commit, new_change
from treemem.write.derived import let_derived_follow
from treemem.write.hiding import plan_rewrite
from treemem.write.intent import Intent
from treemem.write.parts import MAX_ROWS


def add(
    ctx: Context,
    memories: MemoryLike | Iterable[MemoryLike],
    at: TimeLike | None,
    until: TimeLike | None,
    intent: Intent,
    progress: Progress | None,
    metadata: Mapping[str, Any],
    *,
    amend: Amend | None = None,
) -> list[str]:
    """See `TreeTextMemory.add`; `amend` may put something into each change set."""
    many = memories_of(memories)
    span = (None if at is None else parse_time(at, "at"), END if until is None else parse_time(until, "until"))
    base = new_change(ctx, "add", intent)
    addition = addition_of(ctx, base, intent)
    shared = dict(metadata)
    own_id = shared.pop("id", None)
    if own_id is not None:
        many = [_with_id(many, own_id)]
    groups = addition.from_items(many, span, given_metadata("add", shared))
    write_parts(ctx.store, base, groups, progress, len(many) if isinstance(many, Sequence) else None, amend=amend)
    return addition.ids


def addition_of(ctx: Context, base: ChangeSet, intent: Intent, *, preferences: bool | None = None) -> Addition:
    """Return what collects the memories of one call; `preferences`: whether it notes them, None for the settings."""
    return Addition(
        ctx.cube,
        ctx.embedder,
        base,
        ctx.caller,
        stable_ids=intent.repeatable,
        preferences=ctx.config.note_preferences if preferences is None else preferences,
    )


def replace_working_memory(ctx: Context, memories: MemoryLike | Iterable[MemoryLike], intent: Intent) -> list[str]:
    """See `TreeTextMemory.replace_working_memory`."""
    many = memories_of(memories)
    given = [as_working(memory) for memory in many]
    base = new_change(ctx, "replace_working_memory", intent)
    addition = addition_of(ctx, base, intent)
    groups = list(addition.from_items(given, (None, END), {}))
    kept = set(addition.ids)
    request = [[i, fields_of(item)] for i, item in zip(addition.ids, given, strict=True)]
    base = replace(base, request=canonical_json(["replace_working_memory", request]))
    changed: set[str] = set()

    def plan(base: ChangeSet) -> ChangeSet:
        now = each_page(ctx, Moment(base.now), VISIBLE, where=joined(of_types(["WorkingMemory"]), ctx.visible))
        held = [s.memory_id for page in now for s in page.states if s.memory_id not in kept]
        gone = [i for i, history in histories(ctx, held).items() if ctx.caller.owns_all_it_sees(history)]
        deleting = plan_rewrite(ctx, replace(base, kind="delete"), gone) if gone else base
        known = histories(ctx, sorted(kept))
        hidden = {i for i, h in known.items() if _deleted(h) and all(map(ctx.caller.owns, h))}
        changed.update(gone, hidden)
        placed = (s for g in groups for s in g.states)
        whole = planning.with_rows(
            base,
            states=[
                *deleting.states,
                # One that was there before and is deleted says what it is given from now on.
                *(replace(s, create=False) if s.memory_id in hidden else s for s in placed),
            ],
            edges=[e for g in groups for e in g.edges],
            entities={e.id: e for g in groups for e in g.entities}.values(),
            expected=deleting.expected,
        )
        if whole.rows > MAX_ROWS:
            raise InvalidInputError(
                f"replace_working_memory: {whole.rows} rows do not fit into one transaction of {MAX_ROWS}; working "
                "memory is meant for few memories, add() the others as LongTermMemory"
            )
        return whole

    receipt = commit(ctx, base, plan, repeatable=intent.repeatable)
    let_derived_follow(ctx, base, receipt, sorted(changed))
    return addition.ids


def memories_of(memories: MemoryLike | Iterable[MemoryLike]) -> Iterable[MemoryLike]:
    """Return one or more memories as an iterable, or raise InvalidInputError."""
    if isinstance(memories, (str, Mapping, TextualMemoryItem)):
        return [memories]
    if not is_several(memories) or isinstance(memories, (bytes, type)):
        raise InvalidInputError(f"memories: wanted memories or an iterable of them, found {shown(memories)}")
    return memories


def _deleted(history: Sequence[State]) -> bool:
    known = planning.known_of(history)
    return bool(known) and all(s.fields["status"] == "deleted" for s in known)


def _with_id(memories: Iterable[MemoryLike], own_id: Any) -> dict[str, Any]:
    """Return the only memory of a call with the id that a keyword gives it."""
    some = list(islice(memories, 2))
    if len(some) != 1:
        raise InvalidInputError("id: goes with one memory; give each of several its own as {'id': ..., 'memory': ...}")
    item, has_id = as_item(some[0])
    if has_id and item.id != own_id:
        raise InvalidInputError(f"id: {own_id!r} beside the memory's own, {item.id!r}; give one of them")
    return {"id": checked_id(own_id), "memory": item.memory, "metadata": set_fields(item.metadata)}


def as_working(memory: MemoryLike) -> TextualMemoryItem:
    """Return a memory as an item of working memory, with its own id if it has one."""
    item, own_id = as_item(memory)
    metadata = {**set_fields(item.metadata), "memory_type": "WorkingMemory"}
    data = {"memory": item.memory, "metadata": metadata}
    return as_item({"id": item.id, **data} if own_id else data)[0]
