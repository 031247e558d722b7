"""How two memories stand to each other, by what they say: no model, precision before recall.

Nothing is the same, or takes another's place, unless everything that could tell two facts apart agrees: numbers, dates,
names, negation, who says it. What looks alike and cannot be told is related, or flagged as a contradiction.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from treemem.changes import State
from treemem.judge import stated
from treemem.judge.additions import only_adds
from treemem.judge.canonical_text import canonical, squeezed
from treemem.judge.clauses import subject_of, tells_of_the_past
from treemem.judge.cues import LEFT_OVER, PAST
from treemem.judge.normal import normal
from treemem.judge.supersession import Statement, superseded
from treemem.judge.values import values_in
from treemem.read.entities import names_in
from treemem.text import analyse, fold, words


class Relation(StrEnum):
    """What one memory is to another."""

    SAME = "same"
    OVERLAPPING = "overlapping"
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


#: Cosines from which two texts can be the same, can overlap, and are so near that it is noted although nothing is sure.
SAME, OVERLAP, RELATED = 0.8, 0.7, 0.9
#: What of the words of the shorter text the longer one must say, to say the same and to overlap.
WORDS_SAME, WORDS_WITHIN = 0.9, 0.95
#: What of the words of a stated cause or effect the other memory must say, and the cosine that both must have.
WORDS_CAUSE, CAUSE = 0.75, 0.5
FEWEST_WORDS = 3
#: Words up to which a text that begins like a call is one, not a statement.
LONGEST_CALL = 3
#: Letters below which even the same words ("Yes.") may mean two things.
SHORTEST = 5
#: Words beyond which a text tells of too much to be one cause or one effect.
LONGEST = 30

_NEGATION = re.compile(
    r"\b(?:not|no|never|none|nobody|nothing|neither|nor|without|cannot|hardly|barely|scarcely|rarely|seldom|lack\w*|"
    r"unable|refus\w+|fail\w*|forb[ai]d\w*|prevent\w*|unlike|stopped|quit|no longer)\b"
    r"|n['’]t\b|[不没無无未别]",
    re.IGNORECASE,
)
#: The first words, where a telling says what was done: "I called", "My old dog slept"; but "a cat called Biscuit".
_WORD = r"[\w'’-]+\W+"
_TELLS = re.compile(
    rf"\W*(?:{_WORD}(?:{_WORD}){{0,2}}?(?!called|named|based)|(?:I |We |[A-Z]{_WORD})?)(?:{PAST.pattern})",
    re.IGNORECASE,
)
_CALL = re.compile(
    r"(?:good (?:morning|evening|night|luck|job|point|idea|question)|thank|sounds|see you|take care|bye|hello|hi|hey|"
    r"ok|okay|yes|yeah|no|sure|great|awesome|cool|nice|wow|lol|haha|congrat\w*|well done|(?:you['’]re )?welcome|"
    r"absolutely|exactly|definitely|of course|got it|will do|same here|me too|love it|sorry|"
    r"谢谢|你好|早上好|晚安|好的|再见)",
    re.IGNORECASE,
)
_QUESTION = re.compile(r"[?？]\s*$")
#: What tells of something that happened once.
_EVENT = re.compile(
    r"\b(?:yesterday|today|tonight|this (?:morning|afternoon|evening|week|weekend|month)|last (?:night|week|weekend|"
    r"month|year|summer|winter|spring|fall|autumn|\w+day)|ago|just(?! so you know)|recently|tomorrow|"
    r"next (?:week|weekend|month|year|\w+day)|"
    r"late|tired|hungry|sick|ill|bored|exhausted|excited|fever|headache|stressed|sleepy|raining|snowing|"
    r"went|met|saw|visited|bought|sold|had|(?<!\bhave )(?<!\bhas )(?<!['’]ve )(?<!['’]s )got|came|ran|"
    r"won|lost|flew|drove|ate|made|took|gave|found|(?<!the )left(?![- ]hand)|told|"
    r"attended|finished|started|celebrated|travell?ed|watched|played|booked|signed|joined|happened)\b"
    r"|昨天|今天|昨晚|刚刚|上周|上个?月|去年|前天|明天|下周|去了|买了|见了|看了|吃了",
    re.IGNORECASE,
)
_SURE_SUPERSESSION = 0.9
#: A plain denial without one of these may be a contradiction as well as news.
_NEWS = re.compile(
    r"\b(?:now|no longer|any ?more|stopped|quit|gave up|used to|these days|nowadays|since|switched|decided|instead|"
    r"after all|turn(?:s|ed) out)\b"
    r"|不再|了|再也",
    re.IGNORECASE,
)
_NO_PREFIXES = ("un", "in", "im", "ir", "dis", "non", "mis")
_DISLIKE = re.compile(r"\b(?:dislik|hat(?:e|ing)|detest|avoid|allerg)\w*|讨厌", re.IGNORECASE)
#: Words that make another statement of the same words: change, cause, condition, wish, time; and, where all words are
#: to be the same, direction and place.
_TELLING = frozenset(
    """now longer anymore nowadays currently used stopped quit moved switched changed stepped resigned retired back
    again until till was were had will would could might may should if unless wants want hopes hope plans plan tried
    because since so after when while although though as due therefore thanks led except but instead almost nearly
    only yet former formerly previously once which all some every any each most many few both always sometimes often
    usually rarely everyone someone must can""".split()
)
_PLACING = _TELLING | frozenset(
    """to from before after in out on off up down left right over under above below with without first last next more
    less than into by for against is are i you he she we they my your his her our their""".split()
)
#: Fields that say whose a memory is; memories that differ in one never become one.
_OWNER = ("memory_type", "visibility", "user_id", "session_id", "agent_id", "app_id")


@dataclass(frozen=True, slots=True)
class Reading:
    """What of a memory is compared: its statement, canonical form, stems in order and as a set, names, values, ..."""

    statement: Statement
    canonical: str
    plain: frozenset[str]
    said: tuple[str, ...]
    stems: frozenset[str]
    names: frozenset[str]
    values: frozenset[tuple[str, str]]
    numbers: frozenset[str]
    negations: int
    subject: tuple[str, ...]
    event: bool
    past: bool
    question: bool
    owner: tuple[str, ...]

    @property
    def belongs(self) -> tuple[str, ...]:
        """Whose it is, whoever says it."""
        return self.owner[: len(_OWNER)]

    @property
    def once(self) -> bool:
        """Whether it may be said of more than one occasion: it tells of the past, or is but a call ("Sounds good.")."""
        text = self.statement.text
        if self.past and _TELLS.match(text):
            return True
        return len(self.stems) <= LONGEST_CALL and _CALL.match(text) is not None

    @property
    def memory_id(self) -> str:
        """The memory that was read."""
        return self.statement.memory_id


def read(state: State) -> Reading:
    """Return what of a state is compared with others."""
    said = Statement.of(state)
    fields = state.fields
    text = said.text
    names = {" ".join(words(name)) for name in names_in(text)}
    stems = tuple(analyse(text))
    return Reading(
        statement=said,
        canonical=squeezed(canonical(text)),
        plain=frozenset(words(normal(text))),
        said=stems,
        stems=frozenset(stems),
        names=frozenset(names),
        values=frozenset((value.kind, value.text) for value in values_in(text)),
        numbers=_numbers(text),
        negations=len(_NEGATION.findall(text)),
        event=fields.get("memory_time") is not None or fields.get("type") == "event" or bool(_EVENT.search(text)),
        subject=subject_of(text),
        past=tells_of_the_past(text),
        question=bool(_QUESTION.search(text)),
        owner=(*(str(fields.get(name) or "") for name in _OWNER), fold(said.speaker), said.role),
    )


@lru_cache(maxsize=4_096)
def _numbers(text: str) -> frozenset[str]:
    """Return every number that a text says, in digits or in Chinese, whatever it counts."""
    return frozenset(re.findall(r"\d+(?:[.,:]\d+)*|[一二两三四五六七八九十百千万]+", text))


def by_age(one: Reading, other: Reading) -> tuple[Reading, Reading]:
    """Return two memories, the older one first."""
    older, newer = sorted((one, other), key=lambda r: (r.statement.order, r.memory_id))
    return older, newer


def by_width(newer: Reading, older: Reading) -> tuple[Reading, Reading]:
    """Return two memories, first the one that says more."""
    return (newer, older) if len(newer.stems) >= len(older.stems) else (older, newer)


def judge(one: Reading, other: Reading, cosine: float) -> Judgement:
    """Return how two memories stand to each other; `cosine` in [-1, 1] is that of their vectors."""
    older, newer = by_age(one, other)
    return (
        _causal(newer, older, cosine)
        or _superseding(newer, older)
        or _same(newer, older, cosine)
        or _at_odds(newer, older, cosine)
        or _following(newer, older, cosine)
        or _related(newer, older, cosine)
        or Judgement(Relation.NONE, newer.memory_id, older.memory_id, 1.0, "nothing in common")
    )


def _superseding(newer: Reading, older: Reading) -> Judgement | None:
    if newer.question or older.question or newer.belongs != older.belongs or newer.canonical == older.canonical:
        return None
    denied = newer.negations > older.negations or _DISLIKE.search(newer.statement.text)
    if denied and not _NEWS.search(newer.statement.text):
        return None
    if not superseded(newer.statement, older.statement, None):
        return None
    reason = "a newer value of what can have one only, or the end of what was said"
    return Judgement(Relation.SUPERSEDES, newer.memory_id, older.memory_id, _SURE_SUPERSESSION, reason)


def _same(newer: Reading, older: Reading, cosine: float) -> Judgement | None:
    """Return same or overlapping where nothing tells the two apart."""
    if newer.once or older.once:
        return None
    if newer.canonical == older.canonical and _length(newer.canonical) >= SHORTEST and not _two(newer, older):
        return Judgement(Relation.SAME, newer.memory_id, older.memory_id, 0.99, "the same words")
    if _told_apart(newer, older) or min(len(newer.stems), len(older.stems)) < FEWEST_WORDS:
        return None
    wider, narrower = by_width(newer, older)
    alike = newer.values == older.values and newer.names == older.names
    shared = len(newer.stems & older.stems) / len(wider.stems)
    apart = newer.plain ^ older.plain
    if alike and cosine >= SAME and shared >= WORDS_SAME and _in_order(newer, older) and not apart & _PLACING:
        return Judgement(Relation.SAME, newer.memory_id, older.memory_id, 0.9, "the same words but for small ones")
    if narrower.plain & _PLACING - wider.plain:
        return None
    told = _in_order(narrower, wider) if alike else narrower.values <= wider.values and narrower.names <= wider.names
    if (
        told
        and cosine >= OVERLAP
        and _goes_on(narrower, wider)
        and only_adds(wider.statement.text, narrower.stems)
        and _within(narrower, wider, WORDS_WITHIN)
    ):
        reason = "one says all that the other says"
        return Judgement(Relation.OVERLAPPING, wider.memory_id, narrower.memory_id, 0.85, reason)
    return None


def _length(text: str) -> int:
    """Return how many letters a text has; a Chinese one counts for two."""
    return len(text) + sum(c >= "\u3040" for c in text)


def mergeable(newer: Reading, older: Reading) -> bool:
    """Return whether nothing that two memories say forbids to take them for one fact, whoever thinks so."""
    if _told_apart(newer, older):
        return False
    wider, narrower = by_width(newer, older)
    return narrower.values <= wider.values and narrower.names <= wider.names and _in_order(narrower, wider)


def _told_apart(newer: Reading, older: Reading) -> bool:
    """Return whether anything says that these are two facts: an event, who says it, a number, a negation, a cause."""
    if _two(newer, older) or newer.negations != older.negations or (newer.plain ^ older.plain) & _TELLING:
        return True
    if newer.canonical != older.canonical and (newer.past or older.past or _antonyms(newer.plain, older.plain)):
        return True
    subjects = newer.subject, older.subject
    if all(subjects) and newer.canonical != older.canonical and subjects[0] != subjects[1]:
        return True
    if bool(stated.causes(newer.statement.text)) != bool(stated.causes(older.statement.text)):
        return True
    return bool(newer.numbers ^ older.numbers) and not (
        newer.numbers <= older.numbers or older.numbers <= newer.numbers
    )


def _antonyms(one: frozenset[str], other: frozenset[str]) -> bool:
    """Return whether one says "marked" and the other "unmarked"."""
    return any(f"{no}{word}" in b for a, b in ((one, other), (other, one)) for word in a for no in _NO_PREFIXES)


def _two(newer: Reading, older: Reading) -> bool:
    """Return whether the same words may tell of two things: of an event, a question, or from two mouths."""
    return newer.event or older.event or newer.question or older.question or newer.owner != older.owner


def _within(narrower: Reading, wider: Reading, share: float) -> bool:
    return len(narrower.stems & wider.stems) >= share * len(narrower.stems)


def _in_order(narrower: Reading, wider: Reading) -> bool:
    """Return whether the words of one come in the same order in the other: "A beats B" is not "B beats A"."""
    rest = iter(wider.said)
    wanted = [stem for stem in narrower.said if stem in wider.stems]
    return all(any(stem == other for other in rest) for stem in wanted)


def _goes_on(narrower: Reading, wider: Reading) -> bool:
    """Return whether the wider text goes on where the narrower one ends: what stands in between may change it."""
    said, more = ([stem for stem in reading.said if stem not in LEFT_OVER] for reading in (narrower, wider))
    return more[: len(said)] == said


def _at_odds(newer: Reading, older: Reading, cosine: float) -> Judgement | None:
    """Return contradicts where both say the same words, and only one of them says no."""
    if newer.event or older.event or newer.question or older.question or newer.belongs != older.belongs:
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
        r.question or len(r.stems) > LONGEST or r.statement.role == "assistant" for r in both
    )


def _tells_of(reading: Reading, clause: str) -> bool:
    stems = frozenset(analyse(clause))
    if len(_NEGATION.findall(clause)) > reading.negations:  # it denies what the other says
        return False
    return len(stems) >= 2 and len(stems & reading.stems) >= max(2, WORDS_CAUSE * len(stems))


def _related(newer: Reading, older: Reading, cosine: float) -> Judgement | None:
    if cosine < RELATED or min(len(newer.stems), len(older.stems)) < 2:
        return None
    return Judgement(
        Relation.RELATED, newer.memory_id, older.memory_id, min(cosine, 1.0), f"alike (cosine {cosine:.2f})"
    )
