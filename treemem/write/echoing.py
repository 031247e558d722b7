"""Preferences, skills, calls of tools follow what they are derived from: it is deleted, ended, changed, seen by others.

A preference that a message states holds as long as the message says it, and is seen by whoever sees the message. One
that was concluded from several memories is hidden as soon as one of them is, and so is a skill. A call of a tool is
hidden as soon as one of its messages is, or says something else. What is hidden that way is noted, so that it comes
back with its source, and what a person forgot stays forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from treemem.caller import OWNERSHIP
from treemem.changes import ChangeSet, Receipt, State, StateAssert
from treemem.contents import content_of, is_skill, stands_for_call
from treemem.context import Context
from treemem.ids import derived_id
from treemem.ingest.preferring import stated
from treemem.planning import known_of
from treemem.read.states import derivations
from treemem.store.protocol import LIVE
from treemem.write.committing import CHUNK, commit, new_change
from treemem.write.intent import Intent
from treemem.write.preferring import KEPT, is_preference
from treemem.write.tooling import following

#: What `info` says of a preference that is hidden because its source is.
HIDDEN = "hidden_with_source"
#: What a preference says on an interval of valid time: from, to, fields.
Held = tuple[int, int, dict[str, Any]]


def let_preferences_follow(
    ctx: Context, base: ChangeSet, done: Receipt, ids: Sequence[str], apart: Sequence[str] = ()
) -> None:
    """Let the preferences that are derived from changed memories say what is left, as an operation of its own.

    It is one that `undo` of the change need not take back first. Those `apart` stay as they are.
    """
    if done.repeated:
        return
    after = new_change(ctx, "follow_preferences", Intent(actor=base.actor), request=[base.operation])
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        if echoed(ctx, after, some, apart).rows:
            one = replace(after, operation=derived_id("follow_preferences", base.operation, *some))
            commit(ctx, one, partial(echoed, ctx, ids=some, apart=apart), repeatable=False)


def echoed(ctx: Context, base: ChangeSet, ids: Sequence[str], apart: Sequence[str] = ()) -> ChangeSet:
    """Return the change that lets the preferences of these memories, which were just changed, follow them.

    It has no rows where all of them may stay as they are.
    """
    found = {e.source for e in derivations(ctx, ids) if e.target in set(ids)} - set(apart)
    if not found:
        return base
    edges = [e for e in derivations(ctx, sorted(found)) if e.source in found]
    sources: dict[str, list[str]] = {}
    for edge in edges:
        sources.setdefault(edge.source, []).append(edge.target)
    many = sorted(found | {e.target for e in edges})
    history: dict[str, list[State]] = {memory_id: [] for memory_id in many}
    for state in ctx.store.history(base.cube, many):
        history[state.memory_id].append(state)
    rows: list[StateAssert] = []
    expected: dict[str, int] = {}
    for memory_id, targets in sorted(sources.items()):
        made = _echo(memory_id, {i: history[i] for i in (memory_id, *sorted(set(targets)))})
        if made:
            rows += made
            expected[memory_id] = max(s.version for s in history[memory_id])
    return replace(base, states=tuple(rows), expected=expected)


def _echo(memory_id: str, histories: Mapping[str, Sequence[State]]) -> list[StateAssert]:
    """Return the states that a preference is given, none where it stays as it is; `histories` are its own and those
    of its sources.
    """
    history = histories[memory_id]
    sources = [known_of(some) for target, some in histories.items() if target != memory_id]
    known = sorted(known_of(history), key=lambda s: s.valid_from)
    skill = bool(history) and is_skill(history[-1].fields)
    call = bool(history) and stands_for_call(history[-1].fields)
    if not history or not (skill or call or is_preference(history[-1].fields)):
        return []
    if known and all(s.fields["status"] == "deleted" and not _info(s).get(HIDDEN) for s in known):
        return []  # a person forgot it
    last = max(known or history, key=lambda s: s.version)
    status = last.fields["status"]
    template = {**last.fields, "status": status if status != "deleted" else LIVE[0] if skill else KEPT}
    template["info"] = {name: value for name, value in _info(last).items() if name != HIDDEN}
    own = [(s.valid_from, s.valid_to, dict(s.fields)) for s in known]
    if call:
        messages = [some for target, some in histories.items() if target != memory_id]
        shown = _joined(following(template, min(s.recorded_from for s in history), messages))
    elif last.fields.get("source") == "conversation" and len(sources) == 1:
        shown = _joined([_as_of(template, s) for s in sources[0] if _says(s, str(template["memory"]))])
    else:
        gone = [some for some in sources if not any(_shows(s) or (skill and _is_call(s)) for s in some)]
        shown = [] if gone else _joined([(a, b, dict(template)) for a, b, _ in own])
    wanted = sorted([*shown, *(_hidden(part) for part in _beside(own, shown))], key=lambda each: each[0])
    return [
        StateAssert(memory_id, content_of(fields, last.content.vectors), start, end)
        for start, end, fields in wanted
        if (start, end, fields) not in own
    ]


def _info(state: State) -> dict[str, Any]:
    return dict(state.fields.get("info") or {})


def _shows(state: State) -> bool:
    return state.fields["status"] not in ("deleted", "logged")


def _is_call(state: State) -> bool:
    """Return whether a message says nothing, and is kept: a call of a tool, on which a skill rests."""
    return bool(state.fields["status"] == "logged")


def _says(state: State, text: str) -> bool:
    """Return whether a message is shown and states a preference in these words, which a name may lead."""
    sentence = text.casefold()
    wanted = {sentence, sentence.partition(": ")[2]}
    return _shows(state) and any(one.text.casefold() in wanted for one in stated(str(state.fields["memory"])))


def _as_of(template: dict[str, Any], source: State) -> Held:
    """Return what a preference says while its message does, seen by whoever sees that."""
    fields = {name: value for name, value in template.items() if name not in OWNERSHIP}
    owner = {name: source.fields[name] for name in OWNERSHIP if source.fields.get(name) is not None}
    return source.valid_from, source.valid_to, {**fields, **owner}


def _hidden(part: Held) -> Held:
    start, end, fields = part
    if fields["status"] == "deleted":
        return part
    return start, end, {**fields, "status": "deleted", "info": {**(fields.get("info") or {}), HIDDEN: True}}


def _joined(parts: Sequence[Held]) -> list[Held]:
    """Return intervals in order; those that meet and say the same become one."""
    found: list[Held] = []
    for start, end, fields in sorted(parts, key=lambda part: part[0]):
        if found and found[-1][1] == start and found[-1][2] == fields:
            found[-1] = (found[-1][0], end, fields)
        else:
            found.append((start, end, fields))
    return found


def _beside(own: Sequence[Held], shown: Sequence[Held]) -> list[Held]:
    """Return the parts of some intervals that lie outside of others."""
    found = []
    for start, end, fields in own:
        at = start
        for a, b, _ in shown:
            if b <= at or a >= end:
                continue
            if a > at:
                found.append((at, a, fields))
            at = max(at, b)
        if at < end:
            found.append((at, end, fields))
    return found
