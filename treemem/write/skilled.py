"""Skills as they are kept: a SkillMemory whose text is the whole SKILL.md, its parts in `info`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from treemem import planning
from treemem.caller import check_session
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, State, StateAssert
from treemem.contents import SKILL_FILE, SKILL_TYPE, content_of, fields_of, is_skill
from treemem.context import Context
from treemem.errors import MemoryExistsError
from treemem.ids import derived_id
from treemem.ingest.skills import SkillText
from treemem.items import TextualMemoryItem, validated
from treemem.temporal import END
from treemem.write.committing import commit, done_before, new_change
from treemem.write.intent import Intent

#: How many ids of one skill something else may have.
_MOST_TAKEN = 10
#: The field of `info` in which the parts of a skill stand.
FIELD = "skill"


def skill_id(cube: str, owner: Mapping[str, Any], name: str) -> str:
    """Return the id of an owner's skill of a name: a user's, or of a session that has no user."""
    return derived_id("skill", cube, *_whose(owner), name)


def _whose(owner: Mapping[str, Any]) -> tuple[str, str]:
    """Return user and session of whose skills are told apart by name: a user has the same ones in every session."""
    user = owner.get("user_id")
    return user or "", "" if user else owner.get("session_id") or ""


def write_skill(
    ctx: Context,
    skill: SkillText,
    at: int | None,
    intent: Intent,
    *,
    owner: Mapping[str, Any] | None = None,
    evidence: Sequence[str] = (),
) -> str:
    """Store a skill, or its next version, and return its id; one that says the same already is left alone.

    With `evidence` it is DERIVED_FROM these memories, and another skill of that name is not changed by it. One that was
    deleted, or has ended, comes back. Raises MemoryExistsError, FrozenMemoryError, NotAllowedError, ConflictError.
    """
    signed = ctx.caller.signed(owner or {})
    memory_id, known = _place(ctx, signed, skill.name)
    rests = sorted(set(evidence))
    base = new_change(ctx, "add_skill", intent, request=["add_skill", memory_id, skill.text, at, rests])
    if known:
        _write_again(ctx, skill, memory_id, at, base, derived=bool(rests), repeatable=intent.repeatable)
        return memory_id
    item = {
        "id": memory_id,
        "memory": skill.text,
        "metadata": {
            **signed,
            "memory_type": SKILL_TYPE,
            "type": "procedure",
            "key": skill.name,
            "sources": [{"type": SKILL_FILE}],
            "info": _info(skill),
        },
    }
    fields = fields_of(validated(TextualMemoryItem, item))
    check_session(fields)
    vectors = ctx.vectors_of([fields])[0]

    def plan(base: ChangeSet) -> ChangeSet:
        state = StateAssert(memory_id, content_of(fields, vectors), at, END, create=True)
        edges = [EdgeAssert(EdgeType.DERIVED_FROM, memory_id, i, valid_from=at) for i in rests]
        return replace(base, states=(state,), edges=tuple(edges))

    commit(ctx, base, plan, repeatable=intent.repeatable)
    return memory_id


def _place(ctx: Context, signed: Mapping[str, Any], name: str) -> tuple[str, list[State]]:
    """Return the id of a skill, and its states that are known now; an id that something else has is left to it."""
    for number in range(_MOST_TAKEN):
        memory_id = skill_id(ctx.cube, signed, f"{name}\n{number}" if number else name)
        known = ctx.store.known(ctx.cube, [memory_id])
        if all(is_skill(s.fields) and _whose(s.fields) == _whose(signed) for s in known):
            return memory_id, list(known)
    raise MemoryExistsError(f"skill {name!r}: its ids are taken by other memories; choose another name")


def _write_again(
    ctx: Context, skill: SkillText, memory_id: str, at: int | None, base: ChangeSet, *, derived: bool, repeatable: bool
) -> None:
    """Let a skill that is there say what it says now, in one operation; leave it alone where it says so already."""
    if repeatable and done_before(ctx, base) is not None:
        return

    def plan(base: ChangeSet) -> ChangeSet:
        known = planning.changeable(ctx.cube, memory_id, ctx.store.known(ctx.cube, [memory_id]), frozenset())
        last = known[-1]
        same, ended = last.fields["memory"] == skill.text, last.valid_to <= (base.now if at is None else at)
        if same and (derived or (not ended and last.fields["status"] != "deleted")):
            return base
        if derived:
            raise MemoryExistsError(f"skill {skill.name!r} is there already; give the proposal another name")
        fields = {**last.fields, "memory": skill.text, "key": skill.name, "status": "activated"}
        fields["info"] = {**(last.fields.get("info") or {}), **_info(skill)}
        return replace(base, states=(StateAssert(memory_id, content_of(fields, ctx.vectors_of([fields])[0]), at, END),))

    commit(ctx, base, plan, repeatable=repeatable)


def _info(skill: SkillText) -> dict[str, Any]:
    told = {"name": skill.name, "description": skill.description}
    return {FIELD: {**told, "steps": list(skill.steps), "examples": list(skill.examples)}}
