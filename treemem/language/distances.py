"""Times by their distance from when it is asked: "twenty days ago", "in the past two weeks", 十二天前, 过去两周.

A distance back is the calendar unit that it leads to: the day, the week from Monday, the month, the year. A stretch up
to now begins so many units ago, and ends with the present day.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta

_ONES = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
#: English words for amounts; two of them, tens and ones, are added.
_AMOUNTS = (
    {"a": 1, "an": 1, "a couple of": 2, "a few": 3, "several": 3}
    | {word: n for n, word in enumerate(_ONES, start=1)}
    | {word: n for n, word in enumerate(_TEENS, start=10)}
    | {word: n * 10 for n, word in enumerate(_TENS, start=2)}
)
_ZH_DIGITS = {character: n for n, character in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0, "几": 3}
_ZH_POWERS = {"十": 10, "百": 100, "千": 1_000}
_UNITS = {
    "day": "day", "week": "week", "fortnight": "fortnight", "month": "month", "year": "year",
    "天": "day", "周": "week", "星期": "week", "礼拜": "week", "月": "month", "年": "year",
}  # fmt: skip
_MONTHS = {"month": 1, "year": 12}

_AMOUNT = (
    rf"(?:\d{{1,4}}|a couple of|a few|several|an?|(?:{'|'.join(_TENS)})(?:[ -](?:{'|'.join(_ONES)}))?"
    rf"|{'|'.join(_TEENS)}|{'|'.join(_ONES)})"
)
_UNIT = r"(?:day|week|fortnight|month|year)s?"
_ZH_NUMERALS = "".join([*_ZH_DIGITS, *_ZH_POWERS, r"\d"])
_ZH_AMOUNT = rf"(?<![{_ZH_NUMERALS}])[{_ZH_NUMERALS}]{{1,9}}"
_ZH_UNIT = "(?:天|周|个?星期|个?礼拜|个?月|年)"
#: So long ago, or a stretch up to now.
AGO = rf"\b(?:half an?|{_AMOUNT}) {_UNIT} (?:ago|earlier|back)\b|(?:{_ZH_AMOUNT}{_ZH_UNIT}|半年|半个月)(?:之?前|以前)"
STRETCH = (
    rf"\b(?:last|past|previous) {_AMOUNT} {_UNIT}\b"
    rf"|(?:过去|最近|近)的?(?:{_ZH_AMOUNT}{_ZH_UNIT}|半年|半个月)|{_ZH_AMOUNT}{_ZH_UNIT}(?:之内|以内|内)"
)
_AGO, _STRETCH = re.compile(AGO, re.IGNORECASE), re.compile(STRETCH, re.IGNORECASE)
_LENGTH = re.compile(rf"(?P<amount>half an?|{_AMOUNT}) (?P<unit>{_UNIT})", re.IGNORECASE)
_ZH_LENGTH = re.compile(rf"(?P<amount>半|{_ZH_AMOUNT})个?(?P<unit>天|周|星期|礼拜|月|年)")


def amount(words: str) -> float | None:
    """Return the number that words are, English or Chinese, in digits or not; None if they are none."""
    words = words.lower().strip()
    if words.isdecimal():
        return int(words)
    if words in ("半", "half a", "half an"):
        return 0.5
    if words in _AMOUNTS:
        return _AMOUNTS[words]
    tens, _, ones = words.replace("-", " ").partition(" ")
    if tens in _TENS and ones in _ONES:
        return _AMOUNTS[tens] + _AMOUNTS[ones]
    return _chinese(words)


def _chinese(words: str) -> int | None:
    total = digit = 0
    seen = False
    for character in words:
        if character in _ZH_POWERS:
            total += (digit if seen else 1) * _ZH_POWERS[character]
            digit, seen = 0, False
        elif character in _ZH_DIGITS or character.isdecimal():
            value = _ZH_DIGITS[character] if character in _ZH_DIGITS else int(character)
            digit, seen = digit * 10 + value, True
        else:
            return None
    return total + digit if words else None


def months_on(start: datetime, months: int) -> datetime:
    """Return the same day so many months later, or earlier; it must be one that every month has."""
    total = start.month - 1 + months
    return start.replace(year=start.year + total // 12, month=total % 12 + 1)


def distant(words: str, now: datetime) -> tuple[datetime, str] | None:
    """Return the time that lies so long ago and its unit; None for words that tell no distance."""
    length = _length(words) if _AGO.fullmatch(words) else None
    if length is None:
        return None
    back, unit = length
    return _back(now, back, unit), "week" if unit == "fortnight" else unit


def stretch(words: str, now: datetime) -> tuple[datetime, datetime] | None:
    """Return the stretch of days that words tell, up to the end of the present one; None if they tell none."""
    length = _length(words) if _STRETCH.fullmatch(words) else None
    if length is None:
        return None
    return _back(now, *length), now + timedelta(days=1)


def _length(words: str) -> tuple[int, str] | None:
    found = _LENGTH.search(words) or _ZH_LENGTH.search(words)
    number = None if found is None else amount(found["amount"])
    if found is None or number is None:
        return None
    unit = _UNITS[found["unit"].lower().rstrip("s")]
    if number == 0.5:
        number, unit = {"year": (6, "month"), "month": (15, "day"), "fortnight": (7, "day")}.get(unit, (3, "day"))
    return int(number), unit


def _back(now: datetime, number: int, unit: str) -> datetime:
    if unit in _MONTHS:
        first = months_on(now.replace(day=1), -number * _MONTHS[unit])
        return first.replace(day=min(now.day, monthrange(first.year, first.month)[1]))  # 31 March: 28 February
    return now - timedelta(days=number * {"day": 1, "week": 7, "fortnight": 14}[unit])
