"""Memories that their owner knows by a name, one of each name: skills, and tools that were registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from treemem import planning
from treemem.caller import check_session
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, State, StateAssert
from treemem.contents import content_of, fields_of
from treemem.context import Context
from treemem.errors import MemoryExistsError
from treemem.ids import derived_id
from treemem.items import TextualMemoryItem, validated
from treemem.temporal import END
from treemem.write.committing import commit, done_before, new_change
from treemem.write.intent import Intent

#: How many ids of one name something else may have.
_MOST_TAKEN = 10


@dataclass(frozen=True, slots=True)
class Named:
    """What has a name: the kind of thing, what it says, its metadata (without owner), and which contents are of its
    kind. Of `info` the next version keeps what others put there. `request` is what tells two calls of one operation
    apart, the text where it is left out.
    """

    kind: str
    name: str
    text: str
    metadata: Mapping[str, Any]
    is_one: Callable[[Mapping[str, Any]], bool]
    request: Any = None

    @property
    def info(self) -> Mapping[str, Any]:
        """What its metadata has as `info`."""
        info: Mapping[str, Any] = self.metadata["info"]
        return info


def named_id(kind: str, cube: str, owner: Mapping[str, Any], name: str) -> str:
    """Return the id of what an owner has of a kind and a name: a user, or a session that has no user."""
    return derived_id(kind, cube, *_whose(owner), name)


def _whose(owner: Mapping[str, Any]) -> tuple[str, str]:
    """Return user and session of whose things are told apart by name: a user has the same ones in every session."""
    user = owner.get("user_id")
    return user or "", "" if user else owner.get("session_id") or ""


def write_named(
    ctx: Context,
    one: Named,
    at: int | None,
    intent: Intent,
    *,
    owner: Mapping[str, Any] | None = None,
    evidence: Sequence[str] = (),
) -> str:
    """Store what has a name, or its next version, and return its id; one that says the same already is left alone.

    With `evidence` it is DERIVED_FROM these memories, and another one of that name is not changed by it. One that was
    deleted, or has ended, comes back. Raises MemoryExistsError, FrozenMemoryError, NotAllowedError, ConflictError.
    """
    verb = f"add_{one.kind}"
    signed = ctx.caller.signed(owner or {})
    memory_id, known = _place(ctx, signed, one)
    rests = sorted(set(evidence))
    base = new_change(
        ctx, verb, intent, request=[verb, memory_id, one.text if one.request is None else one.request, at, rests]
    )
    if known:
        _write_again(ctx, one, memory_id, at, base, derived=bool(rests), repeatable=intent.repeatable)
        return memory_id
    item = {"id": memory_id, "memory": one.text, "metadata": {**signed, **one.metadata}}
    fields = fields_of(validated(TextualMemoryItem, item))
    check_session(fields)
    vectors = ctx.vectors_of([fields])[0]

    def plan(base: ChangeSet) -> ChangeSet:
        state = StateAssert(memory_id, content_of(fields, vectors), at, END, create=True)
        edges = [EdgeAssert(EdgeType.DERIVED_FROM, memory_id, i, valid_from=at) for i in rests]
        return replace(base, states=(state,), edges=tuple(edges))

    commit(ctx, base, plan, repeatable=intent.repeatable)
    return memory_id


def _place(ctx: Context, signed: Mapping[str, Any], one: Named) -> tuple[str, list[State]]:
    """Return the id of what has a name, and its states that are known now; an id that another has is left to it."""
    for number in range(_MOST_TAKEN):
        memory_id = named_id(one.kind, ctx.cube, signed, f"{one.name}\n{number}" if number else one.name)
        known = ctx.store.known(ctx.cube, [memory_id])
        if all(one.is_one(s.fields) and _whose(s.fields) == _whose(signed) for s in known):
            return memory_id, list(known)
    raise MemoryExistsError(f"{one.kind} {one.name!r}: its ids are taken by other memories; choose another name")


def _write_again(
    ctx: Context, one: Named, memory_id: str, at: int | None, base: ChangeSet, *, derived: bool, repeatable: bool
) -> None:
    """Let what is there say what it says now, in one operation; leave it alone where it says so already."""
    if repeatable and done_before(ctx, base) is not None:
        return

    def plan(base: ChangeSet) -> ChangeSet:
        known = planning.changeable(ctx.cube, memory_id, ctx.store.known(ctx.cube, [memory_id]), frozenset())
        last = known[-1]
        before = last.fields.get("info") or {}
        same = last.fields["memory"] == one.text and {**before, **one.info} == before
        ended = last.valid_to <= (base.now if at is None else at)
        if same and (derived or (not ended and last.fields["status"] != "deleted")):
            return base
        if derived:
            raise MemoryExistsError(f"{one.kind} {one.name!r} is there already; give the proposal another name")
        fields = {**last.fields, "memory": one.text, "status": one.metadata.get("status", "activated")}
        fields |= {"key": one.metadata["key"]} if "key" in one.metadata else {}
        fields["info"] = {**before, **one.info}
        return replace(base, states=(StateAssert(memory_id, content_of(fields, ctx.vectors_of([fields])[0]), at, END),))

    commit(ctx, base, plan, repeatable=repeatable)
