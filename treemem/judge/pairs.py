"""How two memories stand to each other, by what they say: the judge by rules. Nothing true is merged or closed.

Texts that are equal in their literal form are the same. A newer one supersedes where its speaker asserts the change.
All else that is alike is related, or flagged as a contradiction.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from treemem.changes import State
from treemem.ingest.entities import names_in
from treemem.ingest.statements import Statement
from treemem.judge.same import literal
from treemem.judge.speech import Speech
from treemem.judge.supersession import Outdated, elsewhere, outdated
from treemem.judge.turns import tells_an_event
from treemem.judge.values import amounts
from treemem.language import fitting
from treemem.segments import fold
from treemem.text import analyse, words


class Relation(StrEnum):
    """What one memory is to another."""

    SAME = "same"
    SUPERSEDES = "supersedes"
    CONTRADICTS = "contradicts"
    CAUSES = "causes"
    FOLLOWS = "follows"
    RELATED = "related"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A relation from `source` to `target`, how sure it is (0 to 1), and why, in words."""

    relation: Relation
    source: str
    target: str
    confidence: float
    reason: str


#: Cosines from which a denial may be one of the same thing, and from which it is noted that two texts are alike.
OVERLAP, RELATED = 0.7, 0.9
#: What of the stems of the shorter text the other one must say to deny it.
WORDS_SAME = 0.9
#: What of the words of a stated cause or effect the other memory must say, and the cosine that both must have.
WORDS_CAUSE, CAUSE = 0.75, 0.5
#: Stems up to which a text that begins like a call is one, and beyond which it tells of too much to be one cause.
LONGEST_CALL, LONGEST = 3, 30
#: Characters beyond which a text is compared as a whole only.
LONGEST_READ = 2_000
_QUESTION = re.compile(r"[?？]\s{0,9}$")
_SENTENCE = re.compile(r"[.!?;。！？；\n]")
#: Fields that say whose a memory is; memories that differ in one never become one, and never close each other.
_OWNER = ("memory_type", "visibility", "user_id", "session_id", "agent_id", "app_id")


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a memory is compared. `key` is a digest of its literal form, so that no long text is kept."""

    statement: Statement
    key: bytes
    stems: frozenset[str]
    named: tuple[frozenset[str], frozenset[tuple[str, str]]]
    negations: int
    once: bool
    question: bool
    belongs: tuple[str, ...]
    short: bool

    @property
    def memory_id(self) -> str:
        """The memory that was read."""
        return self.statement.memory_id


def read(state: State) -> Reading:
    """Return what of a state is compared with others."""
    said, fields = Statement.of(state), state.fields
    text = said.text if len(said.text) <= LONGEST_READ else ""
    stems, languages = frozenset(analyse(text)), fitting(text)
    call = len(stems) <= LONGEST_CALL and any(pack.pattern("call").match(text) for pack in languages)
    happened = fields.get("memory_time") is not None or fields.get("type") == "event"
    changing = not languages[0].words("changes").isdisjoint(text[:200].casefold().split())
    return Reading(
        statement=said,
        key=hashlib.sha256(literal(said.text).encode("utf-8", "surrogatepass")).digest(),
        stems=stems,
        named=(frozenset(" ".join(words(name)) for name in names_in(text)), amounts(text, languages)),
        negations=_negations(text),
        once=happened
        or call
        or any(pack.pattern("event").search(text) for pack in languages)
        or (not changing and tells_an_event(Speech(text[:200]))),
        question=_QUESTION.search(said.text[-12:]) is not None,
        belongs=(*(str(fields.get(name) or "") for name in _OWNER), fold(said.speaker), said.role),
        short=len(said.text) <= LONGEST_READ,
    )


def by_age(one: Reading, other: Reading) -> tuple[Reading, Reading]:
    """Return two memories, the older one first."""
    older, newer = sorted((one, other), key=lambda r: (r.statement.order, r.memory_id))
    return older, newer


def judge(one: Reading, other: Reading, cosine: float) -> Judgement:
    """Return how two memories stand to each other; `cosine` in [-1, 1] is that of their vectors."""
    older, newer = by_age(one, other)

    def found(relation: Relation, confidence: float, reason: str) -> Judgement:
        return Judgement(relation, newer.memory_id, older.memory_id, confidence, reason)

    if same(newer, older):
        return found(Relation.SAME, 0.99, "the same words")
    if stated := _stated(newer, older, cosine, "cause"):
        return stated
    if supersedes(newer, older):
        return found(Relation.SUPERSEDES, 0.9, "its speaker says that this has changed")
    if _at_odds(newer, older, cosine):
        return found(Relation.CONTRADICTS, 0.6, "one says no to the other")
    if stated := _stated(newer, older, cosine, "order"):
        return stated
    few = newer.short and older.short and min(len(newer.stems), len(older.stems)) < 2
    if cosine >= RELATED and not few:
        return found(Relation.RELATED, min(cosine, 1.0), f"alike (cosine {cosine:.2f})")
    return found(Relation.NONE, 1.0, "nothing in common")


def same(newer: Reading, older: Reading) -> bool:
    """Return whether both say the same letters, of one speaker and owner, and not of two events."""
    if newer.key != older.key or newer.belongs != older.belongs or newer.once or older.once:
        return False
    return not elsewhere(newer.statement, older.statement)


def supersedes(newer: Reading, older: Reading) -> bool:
    """Return whether the speaker of the newer text states a change of what he said in the older one."""
    if newer.belongs[: len(_OWNER)] != older.belongs[: len(_OWNER)] or newer.key == older.key:
        return False
    return outdated(older.statement, newer.statement) is Outdated.STATED


def _at_odds(newer: Reading, older: Reading, cosine: float) -> bool:
    """Return whether both say the same words, and only one of them says no."""
    if newer.once or older.once or newer.question or older.question or newer.named != older.named:
        return False
    if newer.belongs[: len(_OWNER)] != older.belongs[: len(_OWNER)] or bool(newer.negations) == bool(older.negations):
        return False
    shared, fewer = len(newer.stems & older.stems), min(len(newer.stems), len(older.stems))
    return fewer >= 2 and cosine >= OVERLAP and shared >= max(2, WORDS_SAME * (fewer - 1))


def _negations(text: str) -> int:
    return sum(1 for pack in fitting(text) for _ in pack.pattern("negation").finditer(text))


def parts(text: str, states: str) -> tuple[tuple[str, str], ...]:
    """Return what a short text states as (cause, effect), or for "order" as (what was first, what came after it)."""
    found = []
    for pack in fitting(text):
        for cue, (pattern, _) in zip(pack.tables.get("cues", ()), pack.rewrites("cues"), strict=True):
            for sentence in _SENTENCE.split(text) if cue[1] == states else ():
                if match := pattern.search(sentence):
                    before, after = sentence[: match.start()], sentence[match.end() :]
                    if "fronted" in cue and not before.strip():
                        after, _, before = after.replace("，", ",").partition(",")
                    found.append((before, after) if "forward" in cue else (after, before))
    return tuple(found)


def _stated(newer: Reading, older: Reading, cosine: float, states: str) -> Judgement | None:
    """Return causes or follows where one text states both parts, in its own words, of which the other tells one."""
    both = newer, older
    if cosine < CAUSE or any(
        r.question or not r.short or len(r.stems) > LONGEST or r.statement.role == "assistant" for r in both
    ):
        return None
    for teller, other in (both, both[::-1]):
        for first, then in parts(teller.statement.text, states):
            tells = _tells_of(other, first), _tells_of(other, then)
            if tells[0] != tells[1]:
                early, late = (other, teller) if tells[0] else (teller, other)
                said = repr((first if tells[0] else then).strip())
                if states == "cause":
                    reason = f"the other states it as {'a cause' if tells[0] else 'an effect'}: {said}"
                    return Judgement(Relation.CAUSES, early.memory_id, late.memory_id, 0.75, reason)
                reason = f"the one states that it came after {said}"
                reason = reason if tells[0] else f"the other states that {said} came after it"
                return Judgement(Relation.FOLLOWS, late.memory_id, early.memory_id, 0.75, reason)
    return None


def _tells_of(reading: Reading, clause: str) -> bool:
    stems = frozenset(analyse(clause))
    if _negations(clause) > reading.negations:  # it denies what the other says
        return False
    return len(stems) >= 2 and len(stems & reading.stems) >= max(2, WORDS_CAUSE * len(stems))
