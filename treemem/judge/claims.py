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
from treemem.judge.places import COUNTRIES
from treemem.text import analyse, fold, words

SPEAKER = ""
#: Slots of which a subject has one value at a time, beside "my ..."; of the others it may have many.
SINGLE = frozenset({"residence", "country", "employer", "occupation", "relationship", "partner", "school", "diet"})
_MANY = frozenset({"likes", "does", "has"})
#: Slots whose value must be a proper name, to be told from "a flat" or "the sales team".
_NAMED = frozenset({"residence", "country", "employer", "school", "partner"})
_NAME = re.compile(r"(?:^|\b(?:the|downtown|central|north|south|east|west|of|near|outside) )[A-Z]|[^\x00-\x7f]")
_NOW = re.compile(r" (?:now|these days|nowadays|from now on)\b", re.IGNORECASE)
_STOP = re.compile(r"[.!?;\n](?:\s|$)")
_ARTICLE = re.compile(r"^(?:an?|the) ")
_CAPITAL = re.compile(r"\d*[A-Z]")
#: What is told apart by letters and digits: "eu-west-1", "v2.3".
_CODE = re.compile(r"(?=\S*\d)(?=\S*[a-z])[\w.:-]+")
_DIGIT = re.compile(r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred)\b")
_DIGITS = re.compile(rf"\d[\d.,:]*|{_DIGIT.pattern}")
#: What says where, when or how something is, not what.
_PLACED = re.compile(r"(?:in|on|at|from|to|of|near|with|under|over|by|for|too|very|so|really|not|about to|going)\b")
#: Things of which a common noun tells what they are.
_NOUNS = re.compile(r"favou?r|titl|major|password|usernam|diet|colou?r|电话|号码|邮箱|地址|密码|名字|工资|房租|最喜欢")
#: Nouns that may be left out: "my email address" is my email.
_LIGHT_NOUNS = frozenset(analyse("address number"))
#: "上海市浦东新区" is "上海浦东新区".
_CITY_OF = re.compile(r"[市省](?=\w{2})")
_PARTS = re.compile(r"\bor\b|/|、|或者?|和")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a text says of a subject. `value` are the stems of what it says.

    `holds` is False where the text says that it is not, or no longer, so. `sure` is whether it takes the place of
    another value: of what there is one of at a time, or that the text says has changed.
    """

    subject: str
    slot: str
    value: frozenset[str]
    holds: bool
    sure: bool = True

    def replaces(self, older: Claim) -> bool:
        """Return whether this newer claim takes the older one's place."""
        if self.subject != older.subject or self.slot != older.slot or not older.holds:
            return False
        if not self.holds:
            return self.value <= older.value
        alike = self.value <= older.value or older.value <= self.value or self._shortens(older)
        return not alike and self.sure and (self.slot in SINGLE or self.slot.startswith("my "))

    def _shortens(self, older: Claim) -> bool:
        """Return whether one value is short for the other: "Alex" for "Alexander Smith"."""
        both = (self.value, older.value), (older.value, self.value)
        return any(all(len(a) > 2 and any(b.startswith(a) for b in long) for a in short) for short, long in both)


@lru_cache(maxsize=4_096)
def claims_in(text: str, speaker: str = SPEAKER) -> tuple[Claim, ...]:
    """Return what a text claims. `speaker` is the name of who says it, for whom "I" stands."""
    me = fold(speaker) if speaker else SPEAKER
    return tuple(dict.fromkeys([*_said(text, me), *_said_of_mine(text, me), *_left_behind(text, me)]))


def _said(text: str, me: str) -> Iterator[Claim]:
    """Yield the claims of subject, verb and value."""
    for saying in phrases.sayings_in(text):
        for match in saying.pattern.finditer(text):
            slot = saying.slot
            subject = _subject(match["who"], me)
            if slot in SINGLE and phrases.AT_TIMES.search(_rest(text, match.start("value"))):
                continue
            if slot == "residence" and fold(match["value"]) in COUNTRIES:
                slot = "country"
            if subject is not None and not phrases.ONLY_THOUGHT.search(text[: match.start("value")][-80:]):
                sure = not phrases.ONE_OF_MANY.match(match["who"]) or saying.turned
                yield from _claims(subject, slot, match["value"], saying.holds, sure=sure)


def _rest(text: str, start: int) -> str:
    """Return a text from a place on to the end of the sentence."""
    return _STOP.split(text[start:], maxsplit=1)[0]


def _said_of_mine(text: str, me: str) -> Iterator[Claim]:
    """Yield the claims of what somebody has one of: "my phone number is ...", "I changed my phone number to ..."."""
    if text.isascii() and phrases.OF_MINE_WORDS.isdisjoint(words(text)):
        return
    for pattern in phrases.OF_MINE:
        for match in pattern.finditer(text):
            found = match.groupdict()
            stems = analyse(found["thing"])
            thing = " ".join(stem for stem in stems if stem not in _LIGHT_NOUNS or len(stems) == 1) or found["thing"]
            owner = _subject(found["whose"], me) if found.get("whose") else me
            kind = _kind(found["value"], thing)
            if owner is not None and kind is not None:
                changed = any(found.get(cue) for cue in ("cue", "now")) or bool(_NOW.match(text, match.end("value")))
                single = phrases.ATTRIBUTE if found["value"].isascii() else _NOUNS
                sure = changed or (single.search(thing) is not None and not found.get("the"))
                yield from _claims(owner, f"my {thing} {kind}", found["value"], True, sure=sure)


def _kind(value: str, thing: str) -> str | None:
    """Return which kind of value is said of a thing, None for one that says only how or where it is.

    "My boss is Linda" and "my boss is on vacation" say two things of one boss.
    """
    bare = _ARTICLE.sub("", value)
    if thing == "address":
        return "place" if _DIGIT.search(bare) else None
    if _NOUNS.search(thing):
        return None if _PLACED.match(bare) else "noun"
    if _CAPITAL.match(bare):
        return "name"
    if "@" in bare or _CODE.fullmatch(bare):
        return "code"
    if _DIGIT.search(bare):
        unit = " ".join(analyse(_DIGITS.sub(" ", bare)))
        return None if _PLACED.match(bare) else f"number {unit}".strip()
    return "noun" if bare != value or not bare.isascii() else None


def _left_behind(text: str, me: str) -> Iterator[Claim]:
    """Yield what "switched from A to B" ends, whatever A was."""
    if phrases.OF_MINE_WORDS.isdisjoint(words(text)):
        return
    for match in phrases.SWITCHED.finditer(text):
        subject = _subject(match["who"], me)
        if subject is not None and not phrases.AT_TIMES.search(_rest(text, match.start("value"))):
            for slot in sorted(_MANY):
                yield from _claims(subject, slot, match["value"], False)


def _claims(subject: str, slot: str, value: str, holds: bool, *, sure: bool = True) -> Iterator[Claim]:
    if slot in _NAMED and not _NAME.search(value):
        return
    for part in _PARTS.split(value) if slot in _MANY else [value]:
        stems = frozenset(analyse(_CITY_OF.sub("", part)))
        if stems:
            yield Claim(subject, slot, stems, holds, sure)


def _subject(who: str, me: str) -> str | None:
    """Return whom a claim is about, None for words that are no names."""
    name = fold(who)
    if name in phrases.MYSELF:
        return me
    if name in ("user", "the user", "用户"):
        return SPEAKER
    if phrases.OF_KIN.match(who):
        return f"{me}'s {name[3:]}"
    return None if name in phrases.NO_NAMES else name
