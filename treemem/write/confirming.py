"""A language model as confirmer: whether what was just read repeats, or is at odds with, what is known nearby.

It is asked once a window, about the pairs of which the rules are not sure, nearest first. Its word binds nothing
alone: a repetition counts only between items of one owner and speaker with the same names, numbers and denials, a
change only where the rules see it, too. An answer that fails, or is none, leaves all to the rules, with a note.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from treemem.changes import State
from treemem.contents import is_read
from treemem.judge.model import BATCH, ModelJudge
from treemem.judge.pairs import Judgement, Reading, Relation, judge
from treemem.judge.pairs import read as compared
from treemem.judge.protocol import refused
from treemem.judge.supersession import elsewhere
from treemem.models.llm import LLM, LLMUsage

#: The cosine from which a pair is asked about, and the tokens of one request.
ASKED_FROM, MOST_TOKENS = 0.5, 8_000
_UNSURE = (Relation.NONE, Relation.RELATED, Relation.CONTRADICTS)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a model said of pairs, by the ids of an item and of what it stands beside; what failed; what it took."""

    verdicts: Mapping[tuple[str, str], Judgement] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    usage: LLMUsage = LLMUsage()  # noqa: RUF009


def confirmed(llm: LLM, beside: Iterable[tuple[State, Sequence[tuple[State, float]]]]) -> Confirmed:
    """Return what a language model says of new items, each with what is near to it: one request at most."""
    doubtful: list[tuple[float, Reading, Reading, bool]] = []
    for new, near in beside:
        for old, cosine in near:
            one, other = compared(new), compared(old)
            if cosine >= ASKED_FROM and judge(one, other, cosine).relation in _UNSURE:
                doubtful.append((cosine, one, other, is_read(old.fields)))
    doubtful.sort(key=lambda each: (-each[0], each[1].memory_id, each[2].memory_id))
    some = doubtful[:BATCH]
    if not some:
        return Confirmed()
    said = ModelJudge(llm, MOST_TOKENS).judge([(other, one) for _, one, other, _ in some])
    found = {}
    for (_, one, other, item), judgement in zip(some, said.judgements, strict=True):
        bound = None if judgement is None else _bound(judgement, one, other, item)
        if bound is not None:
            found[one.memory_id, other.memory_id] = bound
    return Confirmed(found, said.notes, said.usage)


def _bound(found: Judgement, one: Reading, other: Reading, item: bool) -> Judgement | None:
    """Return a judgement as far as the words of a pair allow it."""
    if found.relation is Relation.SAME and item and _may_repeat(one, other):
        return found
    if found.relation is Relation.CONTRADICTS and _may_contradict(one, other):
        return found
    checked, _ = refused(found, other, one)
    return checked if checked is not None and checked.relation is Relation.SUPERSEDES else None


def _may_repeat(one: Reading, other: Reading) -> bool:
    """Return whether nothing in the words of two items makes them two: an owner, a name, a number, a no, a time."""
    alike = one.belongs == other.belongs and one.named == other.named
    alike = alike and bool(one.negations) == bool(other.negations)
    return alike and not (one.once or other.once) and not elsewhere(one.statement, other.statement)


def _may_contradict(one: Reading, other: Reading) -> bool:
    """Return whether two may be at odds: what one says of himself, or of the same; no questions, no single events."""
    owner = len(one.belongs) - 2
    return one.belongs[:owner] == other.belongs[:owner] and not any(r.once or r.question for r in (one, other))
