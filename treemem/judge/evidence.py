"""Evidence binds: of what a language model reads out of lines, only what their words bear out is kept.

A claim is dropped, with a reason, unless its quote stands in a line that is somebody's saying, its speaker is who says
that line, whom it is about is there, and its numbers, dates, names and its yes or no are those of the lines. Nothing
here calls a model or knows a store. The time that it takes grows with the length of the window alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from treemem.ingest.entities import names_in
from treemem.ingest.reading.answers import Claim
from treemem.ingest.reading.dates import HAPPENING, Days, borne_out, claimed, parts_of
from treemem.ingest.reading.quotes import inner, standing
from treemem.ingest.reading.windows import UNREAD_ROLES, Line, Window
from treemem.judge.retelling import displaced, of_another, other_amount, turned
from treemem.judge.said import (
    entries_of,
    how_said,
    is_plain,
    one_of,
    one_polarity,
    one_subject,
    stands_for,
    telling,
)
from treemem.judge.values import amounts as amounts_in
from treemem.judge.values import scan
from treemem.language import CJK, fitting, packs, tokens
from treemem.temporal import END
from treemem.text import ASKS, GRAMMAR, MONTH, analyse, words


class Reason(StrEnum):
    """Why a claim was dropped."""

    QUOTE = "its quote stands in no line that was to be read"
    ROLE = "its quote stands in what no person says: a system prompt, the result of a tool"
    SPEAKER = "its speaker is not who says the line"
    ABOUT = "whom it is about is not whom its words are about"
    NAME = "a name in it stands in no line"
    NUMBER = "a number in it stands in no line"
    DATE = "its time is not what the words say"
    NEGATION = "it says no where the words do not, or leaves their no out"
    WORDS = "most of its words stand in no line"
    RELATION = "a relation wants two ends and a name"
    TURNED = "it turns round what its words say"
    OTHER = "a word of it stands where its words say another one"
    REPEATED = "the same answer says it twice"


@dataclass(frozen=True, slots=True)
class Bound:
    """A claim that its words bear out: its line, its quote from `start` to before `end` in what the line's memory says.

    `context` are the further lines, `known` the ids of the memories, that give it words. `days` is when it is so, None
    where no time is told or the words are vague. `modality` is how it is said, which may be less sure than the claim.
    `plain` is whether the sentence around the quote is nothing but what its speaker asserts.
    """

    claim: Claim
    line: Line
    start: int
    end: int
    modality: str
    confidence: float
    plain: bool = False
    days: Days | None = None
    context: tuple[Line, ...] = ()
    known: tuple[str, ...] = ()

    @property
    def negative(self) -> bool:
        """Whether it says that something is not so."""
        return self.claim.polarity == "negative"


@dataclass(frozen=True, slots=True)
class Unborne:
    """A claim that was dropped, and why."""

    claim: Claim
    reason: Reason
    line: Line | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a window's lines say, read once for all its claims."""

    window: Window
    tokens: dict[Line, frozenset[str]] = field(default_factory=dict)
    amounts: dict[Line, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def of(self, line: Line) -> frozenset[str]:
        """Return the stems of a line, of whoever says it too."""
        if line not in self.tokens:
            self.tokens[line] = frozenset(analyse(f"{line.name} {line.text}"))
        return self.tokens[line]

    def known_to(self, line: Line) -> frozenset[str]:
        """Return the stems of what a line may speak of: what was said up to it, by its speaker later, or is known."""
        lines = self.lines
        before = lines[: lines.index(line) + 1]
        told = frozenset(analyse(" ".join(text for _, text in self.window.known)))
        return told.union(*(self.of(each) for each in lines if each in before or each.speaker == line.speaker))

    def bind(self, claim: Claim) -> Bound | Unborne:
        """Return a claim with the words that it rests on, or why it has to be dropped."""
        found = self._quoted(claim)
        if found is None:
            return Unborne(claim, Reason.QUOTE)
        line, start, end = found
        reason = self._refused(claim, line, start, end)
        if reason is not None:
            return Unborne(claim, reason, line)
        days, timed = _days(claim, line)
        if not timed or not self._says_time(claim, line):
            return Unborne(claim, Reason.DATE, line)
        if not self._numbers(claim, days) or other_amount(claim, line, start, end, days):
            return Unborne(claim, Reason.NUMBER, line)
        context, known = self._givers(claim, line)
        modality, confidence = how_said(claim, line, start, end)
        plain = modality == "asserted" and is_plain(line, start, end)
        place = line.start + start, line.start + end
        return Bound(claim, line, *place, modality, confidence, plain, days, context, known)

    def _quoted(self, claim: Claim) -> tuple[Line, int, int] | None:
        """Return the line that the quote stands in, the one that the claim names first, and where."""
        lines = self.window.lines
        named = lines[claim.line - 1 : claim.line] if claim.line > 0 else ()
        for line in (*named, *(each for each in lines if each not in named)):
            place = standing(claim.quote, line.text)
            if place is not None:
                return line, *place
        return None

    def _refused(self, claim: Claim, line: Line, start: int, end: int) -> Reason | None:
        if line.role in UNREAD_ROLES:
            return Reason.ROLE
        if claim.speaker.strip() and not one_of(claim.speaker, {line.name, line.role}):
            return Reason.SPEAKER
        if claim.kind == "relation" and not (claim.subject.strip() and claim.relation.strip() and claim.object.strip()):
            return Reason.RELATION
        if claim.about.strip() and not self._is_there(claim.about, line):
            return Reason.ABOUT
        if not all(self._is_there(name, line) for name in _names(claim)) or self._unknown_run(claim):
            return Reason.NAME
        if not one_subject(claim, line, start, end):
            return Reason.ABOUT
        if not one_polarity(claim, line, start, end):
            return Reason.NEGATION
        if of_another(claim, line, start, end, self.lines):
            return Reason.ABOUT
        if turned(claim, line, start, end):
            return Reason.TURNED
        if displaced(claim, line, start, end, self.known_to(line)):
            return Reason.OTHER
        return None if self._covered(claim, line, line.text[start:end]) else Reason.WORDS

    @property
    def lines(self) -> Sequence[Line]:
        """All lines that are shown, those to be read last."""
        return (*self.window.before, *self.window.lines)

    def _is_there(self, name: str, line: Line) -> bool:
        """Return whether somebody or something speaks, or is mentioned, in the lines."""
        said = tokens(name)
        if not said:
            return False
        plain = [word.removesuffix("'s") for word in said if word not in entries_of("articles")]
        if len(plain) == 1 and plain[0] in entries_of("roles"):
            return any(stands_for(plain[0], each.role) for each in self.lines)
        if "".join(plain) in entries_of("roles"):
            return any(stands_for("".join(plain), each.role) for each in self.lines)
        wanted = frozenset(analyse(" ".join(plain).replace("的", " ")))
        return bool(wanted) and any(wanted <= self.of(each) for each in self.lines)

    def _unknown_run(self, claim: Claim) -> bool:
        """Return whether two Chinese characters beside each other, which may be a name, stand in no line; those that a
        text begins with must stand beside each other there.
        """
        if not _HAN_RUN.search(claim.text):
            return False
        there = {letter for each in self.lines for letter in f"{each.name}{each.text}"}
        text = claim.text.lstrip(" \"'“‘「『《")
        for pack in packs().values():
            for phrase in sorted(pack.words("retold"), key=len, reverse=True):
                if not phrase.isascii():
                    text = text.replace(phrase, " ")
        if _HAN_RUN.match(text) and not any(text[:2] in f"{each.name} {each.text}" for each in self.lines):
            return True
        run = 0
        for letter in text:
            run = run + 1 if _HAN.match(letter) and letter not in there and letter not in GRAMMAR else 0
            if run == 2:
                return True
        return False

    def _covered(self, claim: Claim, line: Line, quote: str) -> bool:
        """Return whether most words of a claim are those of the lines, and one of them those of its quote, unless that
        answers a question. A preference that only shows may be said in words of its own.
        """
        said = {word for word in telling(claim.text) if not (_HAN.match(word) and len(word) > 1)}
        if claim.kind == "preference" and claim.preference == "implicit":
            said = (said | telling(claim.reasoning)) - frozenset(analyse(f"{line.name} {claim.about}"))
            return len(said & self.known_to(line)) >= LEAST_SHOWN * len(said)
        lines = self.lines
        at = lines.index(line)
        answers = at > 0 and ASKS.search(lines[at - 1].text) is not None
        if said and not answers and not said & frozenset(analyse(quote)):
            return False
        there = frozenset().union(*map(self.of, lines))
        return len(said & there) >= COVERED * len(said)

    def _says_time(self, claim: Claim, line: Line) -> bool:
        """Return whether the words for when, and for how often, stand in the lines; the line's own come first."""
        given = [each for each in (claim.time, claim.recurs) if each.strip()]
        return all(any(standing(each, other.text) for other in (line, *self.lines)) for each in given)

    def _numbers(self, claim: Claim, days: Days | None) -> bool:
        """Return whether the numbers of a claim, and its months, stand in the lines, or say the days that these do."""
        parts = set() if days is None else parts_of(days)
        text = _plain(f"{claim.text} {claim.reasoning} {claim.subject} {claim.object}"[:_READ])
        shown = "\n".join(each.text for each in self.lines)
        months = {m[:3].casefold() for m in _MONTH.findall(text) if m[0].isupper()}
        months -= {m[:3].casefold() for m in _MONTH.findall(shown)}
        if not {_MONTHS[month] for month in months} <= parts:
            return False
        said = frozenset().union(*map(self._amounts, self.lines))
        numbers = {value for kind, value in said if kind == "number"} | set(_DIGITS.findall(_plain(shown)))
        amounts, _ = scan(fitting(text), text, ("date", "day", "clock", "number"))
        for each in amounts:  # "3 pm" is "15:00", "six" is "6"
            if (each.kind, each.value) in said or each.value in numbers:
                text = text[: each.start] + " " * (each.end - each.start) + text[each.end :]
            elif each.kind == "number" and not (each.value.isdigit() and int(each.value[:18]) in parts):
                return False
        return all(n in numbers or int(n[:18]) in parts for n in _DIGITS.findall(text))

    def _amounts(self, line: Line) -> frozenset[tuple[str, str]]:
        """Return the dates, times and numbers of a line."""
        if line not in self.amounts:
            starts = range(0, len(line.text), _READ)
            self.amounts[line] = frozenset().union(*(amounts_in(line.text[at : at + _READ]) for at in starts))
        return self.amounts[line]

    def _givers(self, claim: Claim, line: Line) -> tuple[tuple[Line, ...], tuple[str, ...]]:
        """Return the further lines, nearest first, and the known memories, that a claim has words of."""
        of_relation = (claim.subject, claim.relation, claim.object)
        text = " ".join(
            (claim.text, claim.reasoning, claim.about, claim.time, claim.recurs, *claim.entities, *of_relation)
        )
        missing = telling(text) - self.of(line)
        others = [each for each in self.lines if each is not line]
        at = self.lines.index(line)
        others.sort(key=lambda each: abs(self.lines.index(each) - at))
        context = []
        for each in others:
            given = missing & self.of(each)
            if given:
                context.append(each)
                missing -= given
        known = []
        for memory_id, told in self.window.known:
            given = missing & frozenset(analyse(told))
            if given:
                known.append(memory_id)
                missing -= given
        return tuple(context), tuple(known)


def bound(window: Window, claims: Sequence[Claim]) -> list[Bound | Unborne]:
    """Return each claim with its evidence, or why it is dropped; what is said twice counts once."""
    evidence, seen, found = Evidence(window), set[tuple[str, str, str]](), list[Bound | Unborne]()
    for claim in claims:
        one = evidence.bind(claim)
        if isinstance(one, Bound):
            key = (one.line.memory_id, claim.kind, inner(claim.text))
            if key in seen:
                one = Unborne(claim, Reason.REPEATED, one.line)
            seen.add(key)
        found.append(one)
    return found


#: What share of the words of a claim the lines must have; and of a preference that only shows, with its reasoning.
COVERED, LEAST_SHOWN = 0.6, 0.5
#: Characters of a text in which amounts are looked for at once.
_READ = 4_000
_HAN = re.compile(rf"[{CJK}]")
_HAN_RUN = re.compile(rf"[{CJK}]{{2}}")
_DIGITS = re.compile(r"\d+")
_GROUPED = re.compile(r"(?<=\d)[,，](?=\d{3}(?!\d))")
_MONTH = re.compile(rf"\b{MONTH}\b", re.IGNORECASE)
_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), start=1)}


def _plain(text: str) -> str:
    return _GROUPED.sub("", text)


def _names(claim: Claim) -> list[str]:
    """Return what a claim names: its entities, the ends of its relation, and the names in its text and its reason."""
    given = [each for each in (*claim.entities, claim.subject, claim.object) if each.strip()]
    text = [*names_in(claim.text), *names_in(claim.reasoning)]
    return [*given, *(name for name in text if name.casefold() not in entries_of("retold"))]


def _days(claim: Claim, line: Line) -> tuple[Days | None, bool]:
    """Return when a claim is so, None where that is not told, and whether its words bear it out."""
    try:
        days = claimed(claim)
    except ValueError:
        return None, False
    if days is None:
        return None, True
    said = borne_out(claim, days, line.said_at)
    return (None if said is None else days), said is not False


def valid_time(found: Bound) -> tuple[int, int]:
    """Return from when to when an item holds, in microseconds.

    What happens, or is planned, is so from when it was told, or began if that is earlier; all else on its days.
    """
    told = found.line.said_at
    if found.days is None:
        return told, END
    if found.claim.kind in HAPPENING:
        return min(found.days.start, told), END
    return found.days


def literal_words(text: str) -> str:
    """Return the words of a text, for an id: case, signs and spaces aside."""
    return " ".join(words(text))
