"""update, correct, expire: what a memory says from a time on, or said all along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from treemem import planning
from treemem.arguments import given_metadata
from treemem.caller import OWNERSHIP, check_session
from treemem.changes import ChangeSet, EdgeType, Receipt, State
from treemem.contents import embedded_text, fields_of, item_of
from treemem.context import Context
from treemem.errors import InvalidInputError, NotAllowedError
from treemem.ids import checked_id
from treemem.items import (
    MemoryLike,
    TextualMemoryItem,
    TreeNodeTextualMemoryMetadata,
    as_item,
    check_number,
    set_fields,
    validated,
)
from treemem.read.states import histories, own_known
from treemem.storable import check_json, checked_text
from treemem.temporal import Moment, TimeLike, parse_time
from treemem.write.addition import given_vector
from treemem.write.committing import commit, new_change
from treemem.write.derived import let_derived_follow
from treemem.write.intent import Intent


def update(
    ctx: Context,
    memory_id: str,
    new: MemoryLike | None,
    at: TimeLike | None,
    intent: Intent,
    metadata: Mapping[str, Any],
) -> Receipt:
    """See `TreeTextMemory.update`."""
    return _change(ctx, "update", memory_id, new, metadata, at, intent)


def correct(
    ctx: Context,
    memory_id: str,
    new: MemoryLike | None,
    at: TimeLike | None,
    intent: Intent,
    metadata: Mapping[str, Any],
) -> Receipt:
    """See `TreeTextMemory.correct`."""
    return _change(ctx, "correct", memory_id, new, metadata, at, intent)


def _change(
    ctx: Context,
    kind: str,
    memory_id: str,
    new: MemoryLike | None,
    metadata: Mapping[str, Any],
    at: TimeLike | None,
    intent: Intent,
) -> Receipt:
    checked_id(memory_id)
    start = None if at is None else parse_time(at, "at")
    text, changed = _changes(memory_id, new, metadata)
    if changed.get("embedding") is not None:
        changed["embedding"] = given_vector(changed["embedding"], memory_id, ctx.embedder)
    if text is None and not changed:
        raise InvalidInputError(f"{kind}: give a new text, metadata, or both")
    for name, value in changed.items():
        if name != "embedding" and isinstance(value, (list, tuple, Mapping)):
            check_json(value, name)  # before it is written out as part of the request
    request = [kind, memory_id, text, changed, start]
    base = new_change(ctx, kind, intent, request=request)
    plan = partial(plan_change, ctx, memory_id=memory_id, text=text, changed=changed, start=start)
    receipt = commit(ctx, base, plan, repeatable=intent.repeatable)
    if text is not None or not changed.keys().isdisjoint(OWNERSHIP):
        let_derived_follow(ctx, base, receipt, [memory_id])
    return receipt


def expire(ctx: Context, memory_id: str, at: TimeLike | None, intent: Intent) -> Receipt:
    """See `TreeTextMemory.expire`."""
    checked_id(memory_id)
    start = None if at is None else parse_time(at, "at")
    base = new_change(ctx, "expire", intent, request=["expire", memory_id, start])

    def plan(base: ChangeSet) -> ChangeSet:
        history = histories(ctx, [memory_id])[memory_id]
        own_known(ctx, memory_id, history)
        point = planning.transaction_time(base, history) if start is None else start
        _require_free(ctx, memory_id, [s for s in planning.known_of(history) if s.valid_to > point])
        return planning.expire(base, memory_id, history, start)

    receipt = commit(ctx, base, plan, repeatable=intent.repeatable)
    let_derived_follow(ctx, base, receipt, [memory_id])
    return receipt


def plan_change(
    ctx: Context, base: ChangeSet, memory_id: str, text: str | None, changed: Mapping[str, Any], start: int | None
) -> ChangeSet:
    history = histories(ctx, [memory_id])[memory_id]
    known = planning.changeable(ctx.cube, memory_id, own_known(ctx, memory_id, history))
    now = planning.transaction_time(base, history)
    if base.kind == "correct":
        segment = planning.segment_at(base.cube, memory_id, known, start, now)
        start, until = segment.valid_from, segment.valid_to
    else:
        every = planning.known_of(history)
        segment, until = planning.segment_for_update(known, every, start, now)
        point = now if start is None else start
        _require_free(ctx, memory_id, [s for s in every if s.valid_from <= point < s.valid_to])
    item = item_of(replace(segment, vectors=None))
    metadata = {**item.metadata.model_dump(exclude={"embedding", "info"}), **changed}
    given = metadata.pop("embedding", None)
    metadata["info"] = {**item.metadata.info, **dict(changed.get("info") or {})}
    fields = fields_of(as_item({"id": memory_id, "memory": text or item.memory, "metadata": metadata})[0])
    fields["created_at"] = segment.fields["created_at"]
    check_session(fields)
    check_number(changed.get("sequence"))
    ctx.caller.require_same_owner(segment, fields)
    moment = Moment(base.now, start)
    linked = ctx.store.edges(ctx.cube, [memory_id], moment, types=[EdgeType.MENTIONS], direction="out", statuses=None)
    vectors = _vectors_for(ctx, fields, segment) if given is None else given
    last = max(s.version for s in history)
    return planning.update(base, segment, fields, vectors, start, until, linked, last)


def _require_free(ctx: Context, memory_id: str, replaced: Iterable[State]) -> None:
    """Raise NotAllowedError if one of the states that a change would end is not the caller's."""
    if not all(map(ctx.caller.owns, replaced)):
        raise NotAllowedError(f"memory {memory_id!r} is not {ctx.caller}'s at that time; nothing was changed")


def _vectors_for(ctx: Context, fields: dict[str, Any], segment: State) -> Any:
    """Return the vectors of a content: those of the state it is made from, where its text is the same."""
    if embedded_text(fields) == embedded_text(dict(segment.fields)):
        return segment.content.vectors
    return ctx.vectors_of([fields])[0]


#: What the store says of a state, and what other verbs set.
_NOT_BY_UPDATE = {
    "valid_from": "at=... says from when the new content holds",
    "valid_to": "expire(id, at=...) says that it ends",
    **dict.fromkeys(("version", "recorded_from", "recorded_to", "updated_at", "created_at"), "the store keeps it"),
}


def _changes(memory_id: str, new: MemoryLike | None, metadata: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Return the new text, or None, and the metadata that an update sets.

    Of an item, which may have been read from the store, what the store says of it is left out.
    """
    given = given_metadata("update", metadata)
    if new is None or isinstance(new, str):
        return (None if new is None else checked_text(new)), _settable(given)
    if isinstance(new, TextualMemoryItem):
        own = set_fields(new.metadata)
        own = {name: value for name, value in own.items() if name not in _NOT_BY_UPDATE and name != "embedding"}
        _same_id(memory_id, new.id)
        return new.memory, {**own, **_settable(given)}
    if not isinstance(new, Mapping):
        raise InvalidInputError(f"update: wanted a text, a dict or an item, found {type(new).__name__}")
    loose = given_metadata("update", {name: v for name, v in new.items() if name not in ("id", "memory")})
    _same_id(memory_id, new.get("id", memory_id))
    text = new.get("memory")
    return (None if text is None else checked_text(text)), _settable({**loose, **given})


def _same_id(memory_id: str, other: Any) -> None:
    if other != memory_id:
        raise InvalidInputError(f"id: wanted {memory_id!r}, the memory that is changed, found {other!r}; an id stays")


def _settable(given: Mapping[str, Any]) -> dict[str, Any]:
    for name in _NOT_BY_UPDATE:
        if name in given:
            raise InvalidInputError(f"{name}: cannot be set by an update; {_NOT_BY_UPDATE[name]}")
    return set_fields(validated(TreeNodeTextualMemoryMetadata, dict(given)))
