"""Pairs judged by a language model: it relates and flags, and keeps open what it does not take for a change."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from treemem.errors import LLMError
from treemem.judge.pairs import Judgement, Reading, Relation, by_age
from treemem.models.llm import LLM, LLMUsage
from treemem.models.llm import ask as ask_model
from treemem.prompts import prompt
from treemem.search.context import rough_tokens
from treemem.temporal import format_micros

BATCH = 20
_JUDGE = "judge.v1"
_MAX_CHARACTERS = 1_000
#: What a change is worth at most that rules and model agree on.
RULES_SURE = 0.95

Word = Literal[
    "same",
    "overlapping",
    "supersedes",
    "contradicts",
    "older causes newer",
    "newer causes older",
    "related",
    "none",
]


class _Verdict(BaseModel):
    n: int
    relation: Word
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False)
    reason: str = Field(max_length=500)


class _Verdicts(BaseModel):
    pairs: list[_Verdict]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a model said of pairs (None where the rules' judgement stands), what was refused or failed, what it took."""

    judgements: tuple[Judgement | None, ...]
    notes: tuple[str, ...]
    usage: LLMUsage


def ask(
    llm: LLM, pairs: Sequence[tuple[Reading, Reading]], max_tokens: int, stated: Collection[int] = frozenset()
) -> Verdicts:
    """Return a language model's judgements of pairs, twenty a request, for about `max_tokens` of prompt in all.

    `stated` are the places of the pairs of which the rules found that one states a change of the other.

    Texts are sent as data. An answer that leaves out or invents a pair, or a request that fails, is noted and leaves
    the rules' judgements; so does a verdict that what the texts say forbids.
    """
    found: list[Judgement | None] = []
    notes: list[str] = []
    usage = LLMUsage()
    left = max_tokens
    for start in range(0, len(pairs), BATCH):
        some = [by_age(*pair) for pair in pairs[start : start + BATCH]]
        data = json.dumps({"pairs": [_data(n, *pair) for n, pair in enumerate(some, 1)]}, ensure_ascii=False)
        left -= rough_tokens(data)
        if left < 0:
            notes.append(f"{len(pairs) - start} pairs were not asked about: more than {max_tokens} tokens")
            break
        try:
            answer = ask_model(llm, prompt(_JUDGE), data, _Verdicts, max_tokens=256 + 96 * len(some))
            usage += answer.usage
            verdicts = {each.n: each for each in answer.value.pairs}
            if len(answer.value.pairs) != len(some) or verdicts.keys() != set(range(1, len(some) + 1)):
                raise LLMError(f"{llm.name}: wanted each of {len(some)} pairs judged once", "invalid")
        except LLMError as error:
            notes.append(f"{len(some)} pairs were judged by rules alone: {error}")
            found += [None] * len(some)
            continue
        for n, (older, newer) in enumerate(some, 1):
            judgement, refused = _checked(verdicts[n], older, newer, stated=start + n - 1 in stated)
            found.append(judgement)
            notes += [refused] if refused else []
    return Verdicts((*found, *([None] * (len(pairs) - len(found)))), tuple(notes), usage)


def _data(n: int, older: Reading, newer: Reading) -> dict[str, object]:
    return {
        "n": n,
        **{
            name: {
                "text": reading.statement.text[:_MAX_CHARACTERS],
                "by": reading.statement.speaker or reading.statement.role,
                "said": format_micros(reading.statement.valid_from),
            }
            for name, reading in (("older", older), ("newer", newer))
        },
    }


def _checked(verdict: _Verdict, older: Reading, newer: Reading, *, stated: bool) -> tuple[Judgement | None, str | None]:
    """Return a verdict as a judgement, or why it is refused; `stated` is whether the rules found a change stated.

    Two readings must agree before anything is closed, and only equal texts become one: a model alone relates.
    """
    a, b = newer.memory_id, older.memory_id

    def related(why: str) -> Judgement:
        return Judgement(Relation.RELATED, a, b, verdict.confidence, f"{why}: {verdict.reason}")

    if verdict.relation == "supersedes":
        if stated:
            sure = min(verdict.confidence, RULES_SURE)
            return Judgement(Relation.SUPERSEDES, a, b, sure, verdict.reason), None
        note = f"{a} does not supersede {b}: the model says so, but its words do not state a change"
        return related("it may supersede"), note
    if stated:
        note = f"{a} does not supersede {b}: its words state a change, but the model says {verdict.relation!r}"
        return related("the model sees no change"), note
    if verdict.relation in ("same", "overlapping"):
        return related("much the same"), None
    if verdict.relation in ("older causes newer", "newer causes older"):
        source, target = (b, a) if verdict.relation == "older causes newer" else (a, b)
        return Judgement(Relation.CAUSES, source, target, verdict.confidence, verdict.reason), None
    return Judgement(Relation(verdict.relation), a, b, verdict.confidence, verdict.reason), None
