"""A judge that is a language model: it relates and flags, and keeps open what it does not take for a change."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from treemem.errors import LLMError
from treemem.judge.pairs import Judgement, Reading, Relation
from treemem.judge.protocol import Verdicts
from treemem.models.llm import LLM, LLMUsage, ask
from treemem.prompts import prompt
from treemem.temporal import format_micros

BATCH = 20
_JUDGE = "judge.v1"
_MAX_CHARACTERS = 1_000
_CAUSES = ("older causes newer", "newer causes older")


Word = Literal[
    "same", "overlapping", "supersedes", "contradicts", "older causes newer", "newer causes older", "related", "none"
]


class _Verdict(BaseModel):
    n: int
    relation: Word
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False)
    reason: str = Field(max_length=500)


class _Verdicts(BaseModel):
    pairs: list[_Verdict]


class ModelJudge:
    """Asks a language model about pairs, twenty a request, for about `max_tokens` of prompt in all.

    Texts are sent as data. An answer that leaves out or invents a pair, or a request that fails, is noted, and says
    nothing of its pairs.
    """

    def __init__(self, llm: LLM, max_tokens: int) -> None:
        self._llm, self._max_tokens = llm, max_tokens

    def judge(self, pairs: Sequence[tuple[Reading, Reading]]) -> Verdicts:
        """Return what the model says of pairs, each with the older memory first."""
        found: list[Judgement | None] = []
        notes: list[str] = []
        usage, left = LLMUsage(), self._max_tokens
        for start in range(0, len(pairs), BATCH):
            some = pairs[start : start + BATCH]
            data = json.dumps({"pairs": [_data(n, *pair) for n, pair in enumerate(some, 1)]}, ensure_ascii=False)
            left -= -(-len(data.encode()) // 4)  # about four bytes a token
            if left < 0:
                notes.append(f"{len(pairs) - start} pairs were not asked about: more than {self._max_tokens} tokens")
                break
            try:
                answer = ask(self._llm, prompt(_JUDGE), data, _Verdicts, max_tokens=256 + 96 * len(some))
                usage += answer.usage
                verdicts = {each.n: each for each in answer.value.pairs}
                if len(answer.value.pairs) != len(some) or verdicts.keys() != set(range(1, len(some) + 1)):
                    raise LLMError(f"{self._llm.name}: wanted each of {len(some)} pairs judged once", "invalid")
            except LLMError as error:
                notes.append(f"{len(some)} pairs were judged by rules alone: {error}")
                found += [None] * len(some)
                continue
            found += [_judgement(verdicts[n], *pair) for n, pair in enumerate(some, 1)]
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


def _judgement(verdict: _Verdict, older: Reading, newer: Reading) -> Judgement:
    a, b = newer.memory_id, older.memory_id
    if verdict.relation in _CAUSES:
        source, target = (b, a) if verdict.relation == _CAUSES[0] else (a, b)
        return Judgement(Relation.CAUSES, source, target, verdict.confidence, verdict.reason)
    word = "same" if verdict.relation == "overlapping" else verdict.relation
    return Judgement(Relation(word), a, b, verdict.confidence, verdict.reason)
