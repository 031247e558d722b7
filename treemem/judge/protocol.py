"""The protocol of judges: pairs of memories in, verdicts with reasons out. What binds all of them stands here.

A judge may be the rules of this package, a model of inference, a language model, or one of the user's. None of them
closes or merges alone: a verdict that the words of a pair do not bear out (`refused`) becomes a mere relation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from treemem.judge.pairs import Judgement, Reading, Relation, by_age, judge, same, supersedes
from treemem.models.llm import LLMUsage

#: What a change is worth at most that another judge and the rules agree on.
AGREED = 0.95


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What a judge said of pairs (None where it said nothing), what was refused or failed, and what it took."""

    judgements: tuple[Judgement | None, ...]
    notes: tuple[str, ...] = ()
    usage: LLMUsage = LLMUsage()  # noqa: RUF009


@runtime_checkable
class Judge(Protocol):
    """Something that judges pairs, each with the older memory first; one judgement a pair, in their order."""

    def judge(self, pairs: Sequence[tuple[Reading, Reading]]) -> Verdicts:
        """Return what the pairs are to each other. A TreememError that it raises ends the call of whoever asked."""
        ...


class Rules:
    """The judge by rules, which needs no model."""

    def judge(self, pairs: Sequence[tuple[Reading, Reading]]) -> Verdicts:
        """Return what the pairs are to each other by their words."""
        return Verdicts(tuple(judge(*pair, 0.0) for pair in pairs))


def bound(judge: Judge, pairs: Sequence[tuple[Reading, Reading]]) -> Verdicts:
    """Return what a judge says of pairs, as far as their words allow it; what was refused is noted.

    Raises ValueError where it does not give one judgement a pair.
    """
    ordered = [by_age(*pair) for pair in pairs]
    said = judge.judge(ordered)
    checked = [
        (None, None) if found is None else refused(found, *pair)
        for found, pair in zip(said.judgements, ordered, strict=True)
    ]
    notes = tuple(note for _, note in checked if note)
    return Verdicts(tuple(found for found, _ in checked), (*said.notes, *notes), said.usage)


def refused(found: Judgement, older: Reading, newer: Reading) -> tuple[Judgement | None, str | None]:
    """Return a judgement as far as the words of a pair bear it out, and a note where they do not."""
    a, b = newer.memory_id, older.memory_id
    sure = math.isfinite(found.confidence) and 0 <= found.confidence <= 1
    if {found.source, found.target} != {a, b} or not sure:
        return None, f"{a} and {b}: wanted a judgement of both, of a confidence from 0 to 1, found {found}"
    related = replace(found, relation=Relation.RELATED, source=a, target=b)
    changed = supersedes(newer, older)
    if found.relation is Relation.SUPERSEDES and changed and found.source == a:
        return replace(found, confidence=min(found.confidence, AGREED)), None
    if found.relation is Relation.SUPERSEDES:
        note = f"{a} does not supersede {b}: the judge says so, but its words do not state a change"
        return replace(related, reason=f"it may supersede: {found.reason}"), note
    if changed:
        note = f"{a} does not supersede {b}: its words state a change, but the judge says {found.relation.value!r}"
        return replace(related, reason=f"the judge sees no change: {found.reason}"), note
    if found.relation is Relation.SAME and not same(newer, older):
        return replace(related, reason=f"much the same: {found.reason}"), None
    return found, None
