"""What a language model says that feedback changes: one structured call over memories, and what of it may be done.

The model chooses among memories that it is shown and writes their new texts. Whatever names a memory that was not
shown, or brings a name or a number that stands neither in the feedback nor in the memory, is refused and told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, Field

from treemem.changes import State
from treemem.context import Context
from treemem.ingest.entities import names_in
from treemem.knowledge.plans import FeedbackChange, FeedbackPlan
from treemem.knowledge.renaming import says
from treemem.knowledge.understood import correction, replacing, retraction
from treemem.language import CJK, packs, tokens
from treemem.models.llm import LLM, ask
from treemem.prompts import prompt
from treemem.temporal import format_micros
from treemem.text import STOP_WORDS, words

_PROMPT = "feedback.v1"
#: Characters of a memory that the model is shown; changes that it may answer; tokens of its answer.
_SHOWN, _MOST, _TOKENS = 1_000, 10, 2_048
#: Tokens that a quote must have, unless the feedback has fewer; which part of a new text must stand in what was given.
_LEAST_QUOTED, _COVERED = 2, 0.6
_UNSPACED = re.compile(f"[{CJK}]")


class _Change(BaseModel):
    action: Literal["correct", "add", "replace", "retract", "prefer"]
    memory_id: str | None = Field(default=None, max_length=512)
    new_text: str | None = Field(default=None, max_length=2_000)
    old_word: str | None = Field(default=None, max_length=60)
    new_word: str | None = Field(default=None, max_length=60)
    quote: str = Field(max_length=1_000)
    reason: str = Field(max_length=500)


class _Changes(BaseModel):
    changes: list[_Change] = Field(max_length=_MOST)


def by_model(ctx: Context, llm: LLM, text: str, candidates: Sequence[State]) -> FeedbackPlan:
    """Return what a model says that feedback changes, as far as it may be done. Raises LLMError."""
    shown = {state.memory_id: state for state in candidates}
    memories = [
        {"id": s.memory_id, "text": str(s.fields["memory"])[:_SHOWN], "since": format_micros(s.valid_from)}
        for s in candidates
    ]
    data = json.dumps({"feedback": text, "memories": memories}, ensure_ascii=False)
    answer = ask(llm, prompt(_PROMPT), data, _Changes, max_tokens=_TOKENS)
    plan = FeedbackPlan(text, by="model")
    refused: list[str] = []
    used: set[str] = set()
    for each in answer.value.changes:
        wrong = _wrong(each, text, shown, used)
        if wrong:
            refused.append(f"{each.action}: {wrong}")
            continue
        used.add(each.memory_id or "")
        if each.action == "replace":
            plan = replacing(ctx, plan, str(each.old_word), str(each.new_word))
        else:
            plan = replace(plan, changes=(*plan.changes, _change(each, shown)))
    if not plan.changes and not plan.notes:
        plan = replace(plan, notes=("the language model found nothing to change",))
    return replace(plan, refused=tuple(refused))


def _change(each: _Change, shown: dict[str, State]) -> FeedbackChange:
    why = f"{each.reason} ({each.quote!r})"
    if each.action == "retract":
        return retraction(shown[str(each.memory_id)], why)
    new = str(each.new_text).strip()
    if each.action == "correct":
        return correction(shown[str(each.memory_id)], new, new, why)
    return FeedbackChange("prefer" if each.action == "prefer" else "add", None, None, new, why)


def _wrong(each: _Change, text: str, shown: dict[str, State], used: set[str]) -> str:
    """Return why a change is not taken, "" where it may be."""
    quote = tokens(each.quote)
    if not quote or not _within(quote, tokens(text)):
        return f"the feedback does not say {each.quote!r}"
    if len(quote) < min(_LEAST_QUOTED, len(tokens(text))):
        return f"{each.quote!r} is too little of the feedback to rest on"
    if each.action in ("correct", "retract"):
        if each.memory_id not in shown:
            return f"{each.memory_id!r} is none of the memories that were shown"
        if each.memory_id in used:
            return f"{each.memory_id!r} is changed twice"
        if shown[each.memory_id].fields.get("frozen"):
            return f"{each.memory_id!r} is frozen"
    if each.action == "replace":
        pair = (each.old_word or "").strip(), (each.new_word or "").strip()
        if not all(len(word) > 1 and says(text, word) for word in pair) or tokens(pair[0]) == tokens(pair[1]):
            return f"the feedback does not name both {pair[0]!r} and {pair[1]!r}"
        return ""
    if each.action == "retract":
        return ""
    old = str(shown[each.memory_id].fields["memory"]) if each.action == "correct" and each.memory_id else ""
    new = (each.new_text or "").strip()
    if not new or new == old:
        return "there is no new text"
    if invented := _invented(new, f"{text}\n{old}"):
        return f"{invented!r} stands neither in the feedback nor in the memory"
    told, given = set(words(new)) - STOP_WORDS, set(words(f"{text}\n{old}"))
    if len(told & given) < _COVERED * len(told):
        return "most words of the new text stand neither in the feedback nor in the memory"
    if old and len(new) < len(old) / 3 and len(old) > 200:
        return "the new text leaves out most of the memory"
    return ""


def _within(some: Sequence[str], many: Sequence[str]) -> bool:
    """Return whether tokens stand in others, one behind the other."""
    return any(list(many[i : i + len(some)]) == list(some) for i in range(len(many) - len(some) + 1))


def _invented(new: str, given: str) -> str:
    """Return a name or a number of a new text that what was given does not have, "" for none.

    Of scripts without spaces every character must be there, but for those of words that tell nothing.
    """
    known = set(words(given))
    for name in names_in(new):
        if not set(words(name)) <= known:
            return name
    said = set(tokens(given))
    for token in tokens(new):
        if any(map(str.isdigit, token)) and token not in said:
            return token
    plain = "".join(packs()["zh"].words("fillers")) if "zh" in packs() else ""
    return next((c for c in _UNSPACED.findall(new) if c not in given and c not in plain), "")
