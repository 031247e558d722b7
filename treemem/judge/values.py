"""Amounts in a text, each in one spelling: dates, times of day, numbers, money. "3 pm" is "15:00", "60k" "60,000".

How they are written stands in the packs, under `measures`; named groups of a pattern say what is what.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from treemem.language import SHARED, Pack, fitting, packs

#: Kinds in the order in which they are looked for; what one has taken is not looked at again.
KINDS = ("date", "day", "month", "clock", "quarter", "season", "week", "share", "money", "number", "count")
#: Kinds by which a value is measured.
MEASURED = frozenset(KINDS) - {"share", "money", "count"}
#: Kinds that say when; amounts of the others need a unit.
TIMES = frozenset({"date", "day", "month", "clock", "season", "week", "quarter"})
_FRAME = re.compile(r"[^\W\d_]+|[$€£¥%]")


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount in one spelling, and where it stands. "?" behind a clock's minutes: morning or evening.

    A date is month and day, with its year behind "/" where it is said.
    """

    kind: str
    value: str
    start: int
    end: int


def scan(languages: Iterable[Pack], text: str, kinds: Collection[str]) -> tuple[list[Amount], str]:
    """Return the amounts of a text by order of kind, and the text with signs in their places."""
    found: list[Amount] = []
    languages = (*languages, packs()[SHARED])
    for kind in (kind for kind in KINDS if kind in kinds):
        for pack in languages:
            for pattern in pack.measures(kind):
                for match in pattern.finditer(text):
                    said = Amount(kind, _spelled(pack, kind, match), *match.span())
                    found.append(said)
                    text = text[: said.start] + "#" * (said.end - said.start) + text[said.end :]
    return found, text


def _spelled(pack: Pack, kind: str, match: re.Match[str]) -> str:
    """Return what a pattern of a kind found, in one spelling."""
    group, folded = match.groupdict(), match.group().casefold().strip(" .,")
    if kind == "date":
        year = f"/{group['year']}" if group.get("year") else ""
        return f"{_month(pack, group['month'])}-{_number(pack, group['day'])}{year}"
    if kind == "month":
        return _month(pack, group["month"])
    if kind == "clock":
        return _clock(pack, group)
    if kind in ("number", "count", "share", "money"):
        number = _number(pack, group["number"], thousand=bool(group.get("thousand")))
        return number + "".join(sorted(set(folded) & set("$€£¥")))
    return pack.mapped("spellings").get(folded, folded.removesuffix("s") if pack.spaced else folded)


def _month(pack: Pack, said: str | None) -> str:
    return pack.mapped("months").get((said or "").casefold(), "") or _number(pack, said)


def _clock(pack: Pack, group: dict[str, str | None]) -> str:
    if group.get("named"):
        return pack.mapped("clocks")[str(group["named"]).casefold()]
    hour, rest = int(_number(pack, group["hour"])), group.get("minute") or ""
    minutes = int(pack.mapped("clocks").get(rest, "") or _number(pack, rest) or 0)
    half = (group.get("half") or "").casefold()
    if not half:
        return f"{hour * 60 + minutes}{'?' if hour <= 12 else ''}"
    late, early = half in pack.words("late"), half in pack.words("early")
    return str((hour % 12 + 12 if late else hour % 12 if early else hour) * 60 + minutes)


def _number(pack: Pack, said: str | None, *, thousand: bool = False) -> str:
    """Return a number in digits, of digits, a word, or numerals: "1,200.50", "twelve", "一万二千"."""
    plain = (said or "").casefold().replace(",", "").strip(" .")
    if plain in pack.mapped("numbers"):
        return pack.mapped("numbers")[plain]
    if not plain.isascii():
        return str(_numeral(plain, pack.mapped("digits"), pack.mapped("places")))
    if not plain or plain.count(".") > 1:
        return plain
    value = float(plain) * (1_000 if thousand else 1)
    return f"{value:g}" if value < 1e6 else str(int(value))


def _numeral(text: str, digits: Mapping[str, str], places: Mapping[str, str]) -> int:
    total = section = digit = 0
    for letter in text:
        if letter.isascii() and letter.isdigit():
            digit = digit * 10 + int(letter)
        elif letter in digits:
            digit = int(digits[letter])
        elif letter in places:
            place = int(places[letter])
            if place >= 10_000:
                total, section, digit = total + (section + digit or 1) * place, 0, 0
            else:
                section, digit = section + (digit or 1) * place, 0
    return total + section + digit


def one_amount(one: Iterable[tuple[str, str]], other: Iterable[tuple[str, str]]) -> bool:
    """Return whether two say the same amounts; "at 3" may be "at 3 pm", and a date without a year any year's."""
    ours, theirs = sorted(one), sorted(other)
    return len(ours) == len(theirs) and all(_same(*pair) for pair in zip(ours, theirs, strict=True))


def _same(one: tuple[str, str], other: tuple[str, str]) -> bool:
    if one[0] == other[0] == "date" and not ("/" in one[1] and "/" in other[1]):
        return one[1].split("/")[0] == other[1].split("/")[0]
    if one[0] == other[0] == "clock" and "?" in one[1] + other[1]:
        return (int(one[1].rstrip("?")) - int(other[1].rstrip("?"))) % 720 == 0
    return one == other


def amounts(text: str, languages: Iterable[Pack] | None = None) -> frozenset[tuple[str, str]]:
    """Return the dates, days, times of day and numbers in a short text, as (kind, value)."""
    found, _ = scan(fitting(text) if languages is None else languages, text, ("date", "day", "clock", "number"))
    return frozenset((each.kind, each.value) for each in found)


@dataclass(frozen=True, slots=True)
class Measure:
    """What a value measures: each kind with what it says, and the words around them, in order."""

    said: tuple[tuple[str, str], ...]
    frame: tuple[str, ...]

    @property
    def kinds(self) -> frozenset[str]:
        """The kinds of what is measured."""
        return frozenset(kind for kind, _ in self.said)


@lru_cache(maxsize=2_048)
def measure(pack: Pack, value: str) -> Measure | None:
    """Return what a short value measures, None where it has no number, day or time."""
    found, rest = scan((pack,), value, MEASURED)
    if not found:
        return None
    units, empty = pack.mapped("units"), pack.words("empty")
    words = (units.get(word, word) for word in _FRAME.findall(rest.casefold()))
    frame = tuple("".join(pack.stemmed(word)) if word.isalpha() else word for word in words if word not in empty)
    return Measure(tuple((each.kind, each.value) for each in found), frame)


@lru_cache(maxsize=2_048)
def masked(pack: Pack, text: str) -> str:
    """Return a clause with a sign in the place of each amount."""
    return re.sub("#{1,160}", "#", scan((pack,), text, MEASURED)[1])


def other_measure(pack: Pack, old: str, new: str) -> bool:
    """Return whether two values measure the same sort of thing, and say another amount, day or time of it."""
    a, b = measure(pack, old), measure(pack, new)
    if a is None or b is None:
        return False
    shared = a.kinds & b.kinds
    if {"date", "month"} <= a.kinds | b.kinds and not shared:  # "in June": "on July 3"
        if len({value.split("-")[0] for kind, value in (*a.said, *b.said) if kind in ("date", "month")}) < 2:
            return False
    elif shared:
        ours = [each for each in a.said if each[0] in shared]
        theirs = [each for each in b.said if each[0] in shared]
        if one_amount(ours, theirs) or (shared == {"number"} and len(ours) != len(theirs)):
            return False
    elif not ("week" in b.kinds and {"day", "date"} & a.kinds):
        return False
    return set(b.frame) <= set(a.frame) and bool(a.frame) == bool(b.frame)


def two_at_once(before: Measure, after: Measure) -> bool:
    """Return whether both a number and a time differ: "5 km on Mondays" and "10 km on Sundays" are two things."""
    differ = {kind for kind, _ in set(before.said) ^ set(after.said)}
    return "number" in differ and len(differ) > 1


def alike_but_for_amounts(pack: Pack, one: str, other: str) -> bool:
    """Return whether two values are the same words around other numbers: "version 2", "0.25mg Ozempic"."""
    if masked(pack, one) == masked(pack, other):
        return True
    a, b = measure(pack, one), measure(pack, other)
    return (
        a is not None and b is not None and a.kinds == b.kinds and bool(a.frame) and sorted(a.frame) == sorted(b.frame)
    )


def other_amount(pack: Pack, old: str, new: str) -> bool:
    """Return whether two amounts measure one thing, and differ."""
    a, b = measure(pack, old), measure(pack, new)
    if a is None or b is None:
        return False
    times = a.kinds & b.kinds & TIMES
    if two_at_once(a, b):
        return False
    if times:
        ours, theirs = ([each for each in m.said if each[0] in times] for m in (a, b))
        return b.kinds <= a.kinds and not one_amount(ours, theirs) and set(b.frame) <= set(a.frame)
    if a.kinds & TIMES or b.kinds & TIMES or len(a.said) != len(b.said) or one_amount(a.said, b.said):
        return False
    both = pack.words("of_numbers")
    return set(b.frame) <= set(a.frame) and both & set(a.frame) == both & set(b.frame)
