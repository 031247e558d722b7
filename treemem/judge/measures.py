"""Values that are measured: numbers with their unit, days, months, dates, times of day."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from treemem.text import MONTH, WEEKDAY

_SMALL = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
).split()
_WORDS = {word: n for n, word in enumerate(_SMALL)} | {
    word: 10 * n for n, word in enumerate("thirty forty fifty sixty seventy eighty ninety hundred".split(), 3)
}
_ORDINALS = {
    word: n for n, word in enumerate("first second third fourth fifth sixth seventh eighth ninth tenth".split(), 1)
}
_DATE = re.compile(
    rf"\b{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?"
    rf"|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}\b(?: \d{{4}})?"
    r"|\b\d{4}-\d{2}-\d{2}\b|[\d一二三四五六七八九十]{1,3}月[\d一二三四五六七八九十]{1,3}[日号]?",
    re.IGNORECASE,
)
_KINDS = (
    ("date", _DATE),
    ("day", re.compile(rf"\b{WEEKDAY}\b|(?:周|星期|礼拜)[一二三四五六日天]", re.IGNORECASE)),
    ("month", re.compile(rf"\b{MONTH}\b|[\d一二三四五六七八九十]{{1,2}}月(?!份?租)", re.IGNORECASE)),
    (
        "clock",
        re.compile(
            r"\b\d{1,2}(?::\d\d)? ?[ap]m\b|\b\d{1,2}:\d\d\b|\b(?:noon|midnight)\b|(?<=\bat )\d{1,2}(?=\W*$)"
            r"|(?:凌晨|早上|上午|中午|下午|晚上|傍晚)?[\d一二两三四五六七八九十]{1,3}点(?:半|[\d一二三四五六七八九十]{1,3}分?)?",
            re.IGNORECASE,
        ),
    ),
    ("quarter", re.compile(r"\bQ[1-4]\b")),
    ("season", re.compile(r"\b(?:spring|summer|autumn|fall|winter)\b", re.IGNORECASE)),
    ("week", re.compile(r"\b(?:this|next) (?:week|month|year)\b|[下本]周|下个月")),
    (
        "number",
        re.compile(
            rf"\d[\d.,]*|\b(?:{'|'.join(_WORDS)}|{'|'.join(_ORDINALS)})\b|[零〇一二两三四五六七八九十百千万]+",
            re.IGNORECASE,
        ),
    ),
)
_SIGNS = re.compile(r"[^\w\u4e00-\u9fff$€£¥%]+")
_PER = {"a": "per", "an": "per", "each": "per", "every": "per", "per": "per"}
_EMPTY = frozenset(
    "about around at on in by the only just from until to for o'clock now exactly currently roughly".split()
)
_UNITS = {
    "kilos": "kg", "kilo": "kg", "kilograms": "kg", "pounds": "lb", "lbs": "lb", "euros": "€", "euro": "€",
    "dollars": "$", "dollar": "$", "hours": "hour", "minutes": "minute", "days": "day", "weeks": "week",
    "months": "month", "years": "year", "percent": "%", "people": "people", "persons": "people",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measure:
    """What a value measures: each kind with what it says, and the words around them, in order."""

    said: tuple[tuple[str, str], ...]
    frame: tuple[str, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of what is measured."""
        return frozenset(kind for kind, _ in self.said)


@lru_cache(maxsize=4_096)
def measure(value: str) -> Measure | None:
    """Return what a short value measures, None where it has no number, day or time."""
    said: list[tuple[str, str]] = []
    rest = value
    for kind, pattern in _KINDS:
        for match in pattern.finditer(rest):
            said.append((kind, _spelled(kind, match.group())))
        rest = pattern.sub(" # " if kind == "number" else " @ ", rest)
    if not said:
        return None
    for sign in "$€£¥":
        rest = rest.replace(sign, f" {sign} ")
    words = (_UNITS.get(w, _PER.get(w, w)).rstrip("s") for w in _SIGNS.sub(" ", rest.casefold()).split())
    frame = tuple(w for w in words if w and w not in _EMPTY and w != "#" and w != "@")
    return Measure(tuple(said), frame)


def _spelled(kind: str, text: str) -> str:
    folded = text.casefold().strip(" .,")
    if kind == "number":
        number = _WORDS.get(folded, _ORDINALS.get(folded))
        return str(number) if number is not None else folded.replace(",", "")
    if kind == "clock":
        return re.sub(r"[\s.]|:00", "", folded)
    if kind == "day":
        return folded.rstrip("s").replace("星期", "周").replace("礼拜", "周")
    return folded


def other_measure(old: str, new: str) -> bool:
    """Return whether two values measure the same sort of thing, and say another amount, day or time of it."""
    a, b = measure(old), measure(new)
    if a is None or b is None:
        return False
    shared = a.kinds & b.kinds
    if {"date", "month"} <= a.kinds | b.kinds and not shared:  # "in June": "on July 3"
        shared = frozenset(["date"])
        months = [m.group()[:3].casefold() for v in (old, new) if (m := re.search(rf"\b{MONTH}\b", v, re.I))]
        if len(months) != 2 or months[0] == months[1]:
            return False
    elif shared:
        ours = sorted(each for each in a.said if each[0] in shared)
        theirs = sorted(each for each in b.said if each[0] in shared)
        if ours == theirs or (shared == {"number"} and len(ours) != len(theirs)):
            return False
    elif not ({"week"} & b.kinds and {"day", "date"} & a.kinds):
        return False
    return set(b.frame) <= set(a.frame) or set(a.frame) <= {"@"}
