"""Numbers, dates and times of day in a text, in one spelling each: "3 pm" is "15:00", and "60k" is "60,000"."""

from __future__ import annotations

import re
from functools import lru_cache

from treemem.text import MONTH

#: Characters of a text that are looked at.
LONGEST = 400
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_PLACES = {"十": 10, "百": 100, "千": 1_000}
_NUMERAL = "零〇一二两三四五六七八九十百千万\\d"
_ISO = re.compile(r"\b(\d{4})-(\d{1,2})-(\d{1,2})\b|(\d{4})年(\d{1,2})月(\d{1,2})[日号]")
_MONTH_DAY = re.compile(
    rf"\b({MONTH})\.? (\d{{1,2}})(?:st|nd|rd|th)?\b(?:,? (\d{{4}})\b)?"
    rf"|\b(\d{{1,2}})(?:st|nd|rd|th)?(?: of)? ({MONTH})\b(?:,? (\d{{4}})\b)?",
    re.IGNORECASE,
)
_CHINESE_DAY = re.compile(rf"([{_NUMERAL}]{{1,3}})月([{_NUMERAL}]{{1,3}})[日号]")
_CLOCK = re.compile(
    r"\b(\d{1,2})(?::(\d\d))? ?([ap])\.?m\b|(?<!\d)(\d{1,2}):(\d\d)(?!\d)|\b(noon|midnight)\b"
    rf"|(凌晨|早上|上午|中午|下午|晚上|傍晚)?([{_NUMERAL}]{{1,3}})点(半|[{_NUMERAL}]{{1,3}}分?)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(rf"\d[\d,]*(?:\.\d+)?(?: ?k\b)?|[{_NUMERAL}]+", re.IGNORECASE)
_LATE = frozenset("下午 晚上 傍晚".split())


@lru_cache(maxsize=4_096)
def _amounts(text: str) -> frozenset[tuple[str, str]]:
    found: set[tuple[str, str]] = set()

    def taken(pattern: re.Pattern[str], read: object, text: str) -> str:
        def note(match: re.Match[str]) -> str:
            found.add(read(match))  # type: ignore[operator]
            return " "

        return pattern.sub(note, text)

    rest = taken(_ISO, _iso, text)
    rest = taken(_MONTH_DAY, _month_day, rest)
    rest = taken(_CHINESE_DAY, lambda m: ("date", f"{_chinese(m[1])}-{_chinese(m[2])}"), rest)
    rest = taken(_CLOCK, _clock, rest)
    taken(_NUMBER, lambda m: ("number", _number(m.group())), rest)
    return frozenset(found)


def amounts(text: str) -> frozenset[tuple[str, str]]:
    """Return the amounts in the beginning of a text, as (kind, value). Of a date the year is left out."""
    return _amounts(text[:LONGEST])


def _iso(match: re.Match[str]) -> tuple[str, str]:
    month, day = (match[2], match[3]) if match[1] else (match[5], match[6])
    return "date", f"{int(month)}-{int(day)}"


def _month_day(match: re.Match[str]) -> tuple[str, str]:
    month, day = (match[1], match[2]) if match[1] else (match[5], match[4])
    return "date", f"{_MONTHS.index(month[:3].casefold()) + 1}-{int(day)}"


def _clock(match: re.Match[str]) -> tuple[str, str]:
    if match[6]:
        return "clock", "720" if match[6].casefold() == "noon" else "0"
    if match[8]:
        hour, rest = _chinese(match[8]), (match[9] or "").rstrip("分")
        minute = 30 if rest == "半" else _chinese(rest) if rest else 0
        return "clock", str((hour + 12 if match[7] in _LATE and hour < 12 else hour) * 60 + minute)
    if match[4]:
        return "clock", str(int(match[4]) * 60 + int(match[5]))
    hour = int(match[1]) % 12 + (12 if match[3].casefold() == "p" else 0)
    return "clock", str(hour * 60 + int(match[2] or 0))


def _number(text: str) -> str:
    plain = text.casefold().replace(",", "").strip()
    if plain[:1].isdigit() and plain.isascii():
        thousands = plain.endswith("k")
        value = float(plain.rstrip("k ").rstrip(".")) * (1_000 if thousands else 1)
        return f"{value:g}" if value < 1e6 else str(int(value))
    return str(_chinese(plain))


def _chinese(text: str) -> int:
    """Return what a numeral says, of digits or Chinese ones: "一万二千" is 12000."""
    if text.isascii() and text.isdigit():
        return int(text)
    total = section = digit = 0
    for letter in text:
        if letter.isascii() and letter.isdigit():
            digit = digit * 10 + int(letter)
        elif letter in _DIGITS:
            digit = _DIGITS[letter]
        elif letter in _PLACES:
            section += (digit or 1) * _PLACES[letter]
            digit = 0
        elif letter == "万":
            total += (section + digit or 1) * 10_000
            section = digit = 0
    return total + section + digit
