"""How two memories stand to each other, by what they say: no model, and nothing true is merged or closed.

Texts that are equal in their literal form are the same. A newer one supersedes where its speaker asserts the change.
All else that is alike is related, or flagged as a contradiction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from treemem.changes import State
from treemem.ingest.entities import names_in
from treemem.judge import stated
from treemem.judge.literal import literal
from treemem.judge.supersession import Outdated, Statement, outdated
from treemem.judge.turns import changes_state, tells_an_event
from treemem.text import analyse, fold, words


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
#: Words up to which a text that begins like a call is one, not a statement.
LONGEST_CALL = 3
#: Stems beyond which a text tells of too much to be one cause or one effect.
LONGEST = 30
#: Characters beyond which a text is compared as a whole only.
LONGEST_READ = 2_000
_SURE_SUPERSESSION = 0.9

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|hardly|barely|scarcely|rarely|seldom|lack\w{0,3}|"
    r"unable|refus\w{1,4}|fail\w{0,4}|forb[ai]d\w{0,4}|prevent\w{0,3}|unlike|stopped|quit|no longer)\b"
    r"|n['’]t\b|[不没無无未别]",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?:good (?:morning|evening|night|luck|job|point|idea|question)|thank|sounds|see you|take care|bye|hello|hi|hey|"
    r"ok|okay|yes|yeah|no(?! longer)|sure|great|awesome|cool|nice|wow|lol|haha|congrat\w{0,12}|well done|"
    r"(?:you['’]re )?welcome|absolutely|exactly|definitely|of course|got it|will do|same here|me too|love it|sorry|"
    r"谢谢|你好|早上好|晚安|好的|再见)",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[?？]\s{0,9}$")
#: What tells of something that happened once, or is so for a day.
_EVENT = re.compile(
    r"\b(?:yesterday|today|tonight|this (?:morning|afternoon|evening|week|weekend|month)|last (?:night|week|weekend|"
    r"month|year|summer|winter|spring|fall|autumn|(?:mon|tues|wednes|thurs|fri|satur|sun)day)|ago|just(?! so you know)|"
    r"recently|tomorrow|next (?:week|weekend|month|year)|"
    r"late|tired|hungry|sick|ill|bored|exhausted|excited|fever|headache|stressed|sleepy|raining|snowing|"
    r"went|met|saw|visited|bought|sold|had|came|ran|won|lost|flew|drove|ate|made|took|gave|found|told|"
    r"slept|shipped|released|attended|finished|started|celebrated|travell?ed|watched|played|booked|signed|joined|happened)\b"
    r"|昨天|今天|昨晚|刚刚|上周|上个?月|去年|前天|明天|下周|去了|买了|见了|看了|吃了",
    re.IGNORECASE,
)
#: Fields that say whose a memory is; memories that differ in one never become one, and never close each other.
_OWNER = ("memory_type", "visibility", "user_id", "session_id", "agent_id", "app_id")


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a memory is compared. `key` is a digest of its literal form, so that no long text is kept."""

    statement: Statement
    key: bytes
    stems: frozenset[str]
    names: frozenset[str]
    numbers: frozenset[str]
    negations: int
    once: bool
    question: bool
    belongs: tuple[str, ...]
    speaker: tuple[str, str]
    short: bool

    @property
    def memory_id(self) -> str:
        """The memory that was read."""
        return self.statement.memory_id


def read(state: State) -> Reading:
    """Return what of a state is compared with others."""
    said = Statement.of(state)
    fields = state.fields
    short = len(said.text) <= LONGEST_READ
    text = said.text if short else ""
    stems = frozenset(analyse(text))
    call = len(stems) <= LONGEST_CALL and _CALL.match(text) is not None
    happened = fields.get("memory_time") is not None or fields.get("type") == "event"
    momentary = happened or call or _EVENT.search(text) is not None
    return Reading(
        statement=said,
        key=hashlib.sha256(literal(said.text).encode("utf-8", "surrogatepass")).digest(),
        stems=stems,
        names=frozenset(" ".join(words(name)) for name in names_in(text)),
        numbers=frozenset(re.findall(r"\d{1,30}|[一二两三四五六七八九十百千万]{1,12}", text)),
        negations=len(_NEGATION.findall(text)),
        once=momentary or (tells_an_event(text[:200]) and not changes_state(text[:200])),
        question=_QUESTION.search(said.text[-12:]) is not None,
        belongs=tuple(str(fields.get(name) or "") for name in _OWNER),
        speaker=(fold(said.speaker), said.role),
        short=short,
    )


def by_age(one: Reading, other: Reading) -> tuple[Reading, Reading]:
    """Return two memories, the older one first."""
    older, newer = sorted((one, other), key=lambda r: (r.statement.order, r.memory_id))
    return older, newer


def judge(one: Reading, other: Reading, cosine: float) -> Judgement:
    """Return how two memories stand to each other; `cosine` in [-1, 1] is that of their vectors."""
    older, newer = by_age(one, other)
    return (
        _same(newer, older)
        or _causal(newer, older, cosine)
        or _superseding(newer, older)
        or _at_odds(newer, older, cosine)
        or _following(newer, older, cosine)
        or _related(newer, older, cosine)
        or Judgement(Relation.NONE, newer.memory_id, older.memory_id, 1.0, "nothing in common")
    )


def _same(newer: Reading, older: Reading) -> Judgement | None:
    """Return same where both say the same letters, of one speaker, and not of two events."""
    if newer.key != older.key or newer.belongs != older.belongs or newer.speaker != older.speaker:
        return None
    if newer.once or older.once:
        return None
    return Judgement(Relation.SAME, newer.memory_id, older.memory_id, 0.99, "the same words")


def _superseding(newer: Reading, older: Reading) -> Judgement | None:
    if newer.belongs != older.belongs or newer.key == older.key:
        return None
    if outdated(older.statement, newer.statement) is not Outdated.STATED:
        return None
    reason = "its speaker says that this has changed"
    return Judgement(Relation.SUPERSEDES, newer.memory_id, older.memory_id, _SURE_SUPERSESSION, reason)


def _at_odds(newer: Reading, older: Reading, cosine: float) -> Judgement | None:
    """Return contradicts where both say the same words, and only one of them says no."""
    if newer.once or older.once or newer.question or older.question or newer.belongs != older.belongs:
        return None
    if (newer.negations > 0) == (older.negations > 0) or newer.names != older.names or newer.numbers != older.numbers:
        return None
    shared = newer.stems & older.stems
    fewer = min(len(newer.stems), len(older.stems))
    if fewer >= 2 and cosine >= OVERLAP and len(shared) >= WORDS_SAME * (fewer - 1) and len(shared) >= 2:
        return Judgement(Relation.CONTRADICTS, newer.memory_id, older.memory_id, 0.6, "one says no to the other")
    return None


def _causal(newer: Reading, older: Reading, cosine: float) -> Judgement | None:
    """Return causes where one text states a cause or an effect, in its own words, that the other one tells of."""
    reasons = "the other states it as a cause: {!r}", "the other states it as an effect: {!r}"
    found = _stated(newer, older, cosine, stated.causes, reasons)
    if found is None:
        return None
    cause, effect, reason = found
    return Judgement(Relation.CAUSES, cause.memory_id, effect.memory_id, 0.75, reason)


def _following(newer: Reading, older: Reading, cosine: float) -> Judgement | None:
    """Return follows where one text states that something came before or after what the other one tells of."""
    reasons = "the one states that it came after {!r}", "the other states that {!r} came after it"
    found = _stated(newer, older, cosine, stated.order, reasons)
    if found is None:
        return None
    first, then, reason = found
    return Judgement(Relation.FOLLOWS, then.memory_id, first.memory_id, 0.75, reason)


def _stated(
    newer: Reading,
    older: Reading,
    cosine: float,
    parts: Callable[[str], tuple[tuple[str, str], ...]],
    reasons: tuple[str, str],
) -> tuple[Reading, Reading, str] | None:
    """Return two texts, the one that is first before the other, and why, where one states both parts of which the other
    tells one.
    """
    if not _comparable(newer, older, cosine):
        return None
    for teller, other in ((newer, older), (older, newer)):
        for first, then in parts(teller.statement.text):
            if _tells_of(other, first) and not _tells_of(other, then):
                return other, teller, reasons[0].format(first.strip())
            if _tells_of(other, then) and not _tells_of(other, first):
                return teller, other, reasons[1].format(then.strip())
    return None


def _comparable(newer: Reading, older: Reading, cosine: float) -> bool:
    """Return whether one of two texts may state something of what the other one tells of."""
    both = newer, older
    return cosine >= CAUSE and not any(
        r.question or not r.short or len(r.stems) > LONGEST or r.statement.role == "assistant" for r in both
    )


def _tells_of(reading: Reading, clause: str) -> bool:
    stems = frozenset(analyse(clause))
    if len(_NEGATION.findall(clause)) > reading.negations:  # it denies what the other says
        return False
    return len(stems) >= 2 and len(stems & reading.stems) >= max(2, WORDS_CAUSE * len(stems))


def _related(newer: Reading, older: Reading, cosine: float) -> Judgement | None:
    few = newer.short and older.short and min(len(newer.stems), len(older.stems)) < 2
    if cosine < RELATED or few:
        return None
    return Judgement(
        Relation.RELATED, newer.memory_id, older.memory_id, min(cosine, 1.0), f"alike (cosine {cosine:.2f})"
    )
