"""Names of topics by a language model; where it fails, the names from distinctive words stand."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import BaseModel, Field

from treemem.errors import InvalidInputError, LLMError
from treemem.models.llm import LLM, LLMUsage, ask
from treemem.prompts import prompt
from treemem.reorganize.plan import Action
from treemem.storable import checked_text
from treemem.text import caption

BATCH = 10
_NAMES = "topics.v1"
_TEXTS = 12


class _Name(BaseModel):
    n: int
    name: str = Field(min_length=2, max_length=80)


class _Names(BaseModel):
    groups: list[_Name]


def named(llm: LLM, actions: Sequence[Action]) -> tuple[list[Action], tuple[str, ...], LLMUsage]:
    """Return actions with the names that a model gives to the topics they make, what failed, and what it took."""
    found = list(actions)
    making = [n for n, action in enumerate(actions) if action.text is not None]
    notes: list[str] = []
    usage = LLMUsage()
    for start in range(0, len(making), BATCH):
        some = making[start : start + BATCH]
        groups = [{"n": n, "texts": _texts(found[place])} for n, place in enumerate(some, 1)]
        try:
            data = json.dumps({"groups": groups}, ensure_ascii=False)
            answer = ask(llm, prompt(_NAMES), data, _Names, max_tokens=128 + 32 * len(some))
            usage += answer.usage
            names = {each.n: each.name for each in answer.value.groups}
            if len(answer.value.groups) != len(some) or names.keys() != set(range(1, len(some) + 1)):
                raise LLMError(f"{llm.name}: wanted each of {len(some)} groups named once", "invalid")
        except LLMError as error:
            notes.append(f"{len(some)} topics were named by their words: {error}")
            continue
        for n, place in enumerate(some, 1):
            try:
                text = f"Topic: {caption(checked_text(names[n], 'name'), 80)}"
            except InvalidInputError as error:
                notes.append(f"a topic was named by its words: {llm.name}: {error}")
                continue
            found[place] = found[place].model_copy(update={"text": text})
    return found, tuple(notes), usage


def _texts(action: Action) -> list[str]:
    """Return some of what a new topic is about; the topic that a split divides says nothing of it."""
    texts = action.evidence["texts"]
    ids = action.ids[1:] if action.kind == "split" else action.ids
    return [texts[i] for i in ids[:_TEXTS]]
