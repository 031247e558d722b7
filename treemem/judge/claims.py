"""Claims: what a text says of whom, where only one thing can be true at a time.

A claim has a subject (who), a slot (what of them: residence, employer, ...), a value, and says yes or no. Two claims of
one subject and slot cannot both hold now if their values differ where the slot has room for one, or if the newer says
no to the older one's value. Found by the patterns of `phrases`, in English and Chinese, precision first; events
("travelled to Xi'an"), wishes and questions make no claim.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from treemem.judge import phrases
from treemem.text import analyse, fold

SPEAKER = ""
#: Slots of which a subject has one value at a time, beside "my ..."; of the others it may have many.
SINGLE = frozenset({"residence", "employer", "occupation", "relationship", "partner", "school", "diet"})
_MANY = frozenset({"likes", "does", "has"})
#: Slots whose value must be a proper name, to be told from "a flat" or "the sales team".
_NAMED = frozenset({"residence", "employer", "school", "partner"})
_NAME = re.compile(r"(?:^|\b(?:the|downtown|central|north|south|east|west|of|in) )[A-Z]|[^\x00-\x7f]")
_PARTS = re.compile(r"\bor\b|/|、|或者?|和")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a text says of a subject. `value` are the stems of what it says.

    `holds` is False where the text says that it is not, or no longer, so.
    """

    subject: str
    slot: str
    value: frozenset[str]
    holds: bool

    def replaces(self, older: Claim) -> bool:
        """Return whether this newer claim takes the older one's place."""
        if self.subject != older.subject or self.slot != older.slot or not older.holds:
            return False
        if not self.holds:
            return self.value <= older.value
        alike = self.value <= older.value or older.value <= self.value
        return not alike and (self.slot in SINGLE or self.slot.startswith("my "))


@lru_cache(maxsize=4_096)
def claims_in(text: str, speaker: str = SPEAKER) -> tuple[Claim, ...]:
    """Return what a text claims. `speaker` is the name of who says it, for whom "I" stands."""
    me = fold(speaker) if speaker else SPEAKER
    return tuple(dict.fromkeys([*_said(text, me), *_said_of_mine(text, me), *_left_behind(text, me)]))


def _said(text: str, me: str) -> Iterator[Claim]:
    """Yield the claims of subject, verb and value."""
    for slot, pattern, holds in phrases.SAYS:
        for match in pattern.finditer(text):
            subject = _subject(match["who"], me)
            if subject is not None and not phrases.ONLY_THOUGHT.search(text[: match.start("value")][-80:]):
                yield from _claims(subject, slot, match["value"], holds)


def _said_of_mine(text: str, me: str) -> Iterator[Claim]:
    """Yield the claims of what somebody has one of: "my phone number is ...", "I changed my phone number to ..."."""
    for pattern in phrases.OF_MINE:
        for match in pattern.finditer(text):
            found = match.groupdict()
            thing = " ".join(analyse(found["thing"])) or found["thing"]
            if found.get("cue") or phrases.ATTRIBUTE.search(thing):
                owner = fold(found["whose"]) if found.get("whose") else me
                yield from _claims(owner, f"my {thing}", found["value"], True)


def _left_behind(text: str, me: str) -> Iterator[Claim]:
    """Yield what "switched from A to B" ends, whatever A was."""
    for match in phrases.SWITCHED.finditer(text):
        subject = _subject(match["who"], me)
        if subject is not None:
            for slot in sorted(_MANY):
                yield from _claims(subject, slot, match["value"], False)


def _claims(subject: str, slot: str, value: str, holds: bool) -> Iterator[Claim]:
    if slot in _NAMED and not _NAME.search(value):
        return
    for part in _PARTS.split(value) if slot in _MANY else [value]:
        stems = frozenset(analyse(part))
        if stems:
            yield Claim(subject, slot, stems, holds)


def _subject(who: str, me: str) -> str | None:
    """Return whom a claim is about, None for words that are no names."""
    name = fold(who)
    if name in phrases.MYSELF:
        return me
    if name in ("user", "the user", "用户"):
        return SPEAKER
    return None if name in phrases.NO_NAMES else name
