"""What feedback means without a language model: the cues of the language packs, and the judge.

A correction closes nothing that it does not speak of. In a fact one value takes the place of another; a memory that is
one short statement says the new one; beside any other memory the new statement is put before the old one. A message
stays as it was said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from treemem.changes import State
from treemem.contents import is_message
from treemem.context import Context
from treemem.ingest.correcting import Told, told
from treemem.ingest.preferring import stated
from treemem.ingest.statements import Statement
from treemem.judge.closing import closes
from treemem.judge.supersession import Outdated, outdated
from treemem.knowledge.candidates import frozen, saying, searched
from treemem.knowledge.plans import FeedbackChange, FeedbackPlan
from treemem.knowledge.renaming import renamed, renamed_fields, says
from treemem.language import CJK, tokens
from treemem.temporal import END
from treemem.text import analyse

#: How many memories one call replaces a name in, so that all is one transaction.
MOST_REPLACED = 200
#: Which share of the words of a correction stands in the memory that it corrects; and of what is to be forgotten in the
#: memory that says it, and the other way round.
_ABOUT, _SAME = 0.5, 0.6
_UNSPACED = re.compile(f"[{CJK}]")
_NOT_PLAIN = "its words do not plainly say what is to change; name the memories with about=, or give an llm"


def by_patterns(ctx: Context, text: str, about: Sequence[State] | None) -> FeedbackPlan:
    """Return what feedback changes by its words; a plan without changes says why."""
    one = told(text)
    if one is not None and one.action == "replace":
        return replacing(ctx, FeedbackPlan(text, by="patterns"), one.old, one.new)
    if one is not None and one.action == "retract":
        return _retracted(ctx, text, one, about)
    if wishes := stated(text):
        changes = (FeedbackChange("prefer", None, None, each.text, f"a preference: {each.topic}") for each in wishes)
        return FeedbackPlan(text, tuple(changes), "patterns")
    if one is None:
        return FeedbackPlan(text, notes=(_NOT_PLAIN,))
    if one.action == "add":
        change = FeedbackChange("add", None, None, one.new, "said to be missing")
        return FeedbackPlan(text, (change,), "patterns")
    return _corrected(ctx, text, one, about)


def replacing(ctx: Context, plan: FeedbackPlan, old: str, new: str) -> FeedbackPlan:
    """Return a plan with a name replaced by another one in all memories of the caller's own that say it."""
    states, full = saying(ctx, old, new)
    free, notes = frozen(states)
    changes = [
        FeedbackChange(
            "replace",
            state.memory_id,
            str(state.fields["memory"]),
            str(renamed_fields(state.fields, old, new).get("memory", state.fields["memory"])),
            f"{old!r} is {new!r} from now on",
            (old, new),
        )
        for state in free[:MOST_REPLACED]
    ]
    if not changes:
        notes = (*notes, f"no memory says {old!r}")
    if full:
        notes = (*notes, "there may be more than the thousand memories that were looked through; call again")
    return replace(
        plan,
        changes=(*plan.changes, *changes),
        notes=(*plan.notes, *notes),
        left=plan.left + max(0, len(free) - MOST_REPLACED),
    )


def _retracted(ctx: Context, text: str, one: Told, about: Sequence[State] | None) -> FeedbackPlan:
    if about is None and not one.what:
        return FeedbackPlan(text, notes=("it does not say which memory is wrong; name it with about=",))
    found = list(about) if about is not None else [s for s in searched(ctx, one.what) if _same(one.what, s)]
    free, notes = frozen(found)
    if not found:
        notes = (f"no memory says {one.what!r}; name the memories with about=",)
    changes = [retraction(state, "said to be wrong, or to be forgotten") for state in free]
    return FeedbackPlan(text, tuple(changes), "patterns", notes)


def retraction(state: State, why: str) -> FeedbackChange:
    """Return the change that hides a memory."""
    return FeedbackChange("retract", state.memory_id, str(state.fields["memory"]), None, why)


def _same(words: str, state: State) -> bool:
    """Return whether a memory says some words, and little else."""
    said, wanted = set(analyse(str(state.fields["memory"]))), set(analyse(words))
    return (
        bool(wanted) and len(wanted & said) >= max(1, _SAME * len(wanted)) and len(wanted & said) >= _SAME * len(said)
    )


def _corrected(ctx: Context, text: str, one: Told, about: Sequence[State] | None) -> FeedbackPlan:
    candidates, notes = frozen(searched(ctx, one.new) if about is None else about)
    changes: list[FeedbackChange] = []
    value = _value(one)
    if value:
        for state in candidates:
            if says(str(state.fields["memory"]), one.old) and (about is not None or _speaks_of(one, value, state)):
                now = renamed(str(state.fields["memory"]), one.old, value)
                changes.append(correction(state, one.new, now, f"{value!r}, not {one.old!r}"))
    else:
        changes = _restated(ctx, one.new, candidates, about is not None)
    if not changes:
        notes = (*notes, "no memory was found that this corrects; name it with about=")
    return FeedbackPlan(text, tuple(changes), "patterns", notes)


def correction(state: State, statement: str, rewritten: str, why: str) -> FeedbackChange:
    """Return the change that corrects a memory: a fact says `rewritten`, a message is superseded by a `statement`."""
    old = str(state.fields["memory"])
    if is_message(state.fields.get("sources") or ()):
        return FeedbackChange("supersede", state.memory_id, old, statement, why)
    return FeedbackChange("correct", state.memory_id, old, _ended(rewritten, old), why)


def _ended(text: str, like: str) -> str:
    """Return a text with the stop that another one has at its end, where it has none."""
    stop = like.strip()[-1:]
    return text + stop if stop in ".。" and text[-1:] not in ".。!！?？…" else text


def _restated(ctx: Context, new: str, candidates: Sequence[State], named: bool) -> list[FeedbackChange]:
    """Return the changes of the memories that a new statement corrects: the one that is named, or by the judge."""
    changes = []
    verdicts = [(state, _verdict(ctx, new, state)) for state in candidates]
    stated_ones = [each for each in verdicts if each[1] is Outdated.STATED]
    unsure = [each for each in verdicts if each[1] is Outdated.MAYBE]
    chosen = (stated_ones or unsure) if len(candidates) > 1 or not named else verdicts
    if not named and not stated_ones and len(unsure) > 1:
        return []  # which of them it is, nobody says
    for state, verdict in chosen:
        if verdict is Outdated.STATED:
            old = str(state.fields["memory"])
            why = "its words say that this has changed"
            changes.append(FeedbackChange("supersede", state.memory_id, old, new, why))
        elif closes(state):
            changes.append(correction(state, new, new, "it gives another value to the same thing"))
        else:
            old = str(state.fields["memory"])
            changes.append(FeedbackChange("supersede", state.memory_id, old, new, "the old memory says more than this"))
    return changes


def _verdict(ctx: Context, new: str, state: State) -> Outdated:
    """Return whether a new statement of whoever said the old one takes its place."""
    now = max(ctx.now(), state.valid_from + 1)
    whose = {name: state.fields[name] for name in ("user_id", "agent_id", "app_id", "info") if name in state.fields}
    fields = {"memory": new, "memory_type": "LongTermMemory", "sources": [{"type": "chat", "role": "user"}], **whose}
    said = State("said", 1, fields, now, END, now, END, "feedback")
    return outdated(Statement.of(state), Statement.of(said))


def _value(one: Told) -> str:
    """Return what takes the place of `old` in a correction: the last words of `new`, if they are like it."""
    if not one.old:
        return ""
    count = len(one.old.split())
    last = " ".join(one.new.rstrip(".。!！").split()[-count:])
    if _UNSPACED.search(one.old):  # no blanks tell where a value begins
        last = last.rpartition("是")[2] if "是" in last else last[-len(one.old) :]
        if not set(last) & set(one.old):
            return ""
    alike = any(map(str.isdigit, last)) == any(map(str.isdigit, one.old))
    return last if last and alike and tokens(last) != tokens(one.old) else ""


def _speaks_of(one: Told, value: str, state: State) -> bool:
    """Return whether a memory says enough of the words of a correction beside its values."""
    subject = set(analyse(one.new)) - set(analyse(value)) - set(analyse(one.old))
    said = set(analyse(str(state.fields["memory"])))
    return bool(subject) and len(subject & said) >= max(1, _ABOUT * len(subject))
