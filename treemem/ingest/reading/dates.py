"""When something is said to be so: the days that a model works out, held against the words that they come from."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from treemem.ingest.reading.answers import Claim
from treemem.language.distances import months_on
from treemem.language.timewords import span_ahead, spans_in
from treemem.temporal import END, from_micros, to_micros
from treemem.zones import local, located

_WRITTEN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2}):(\d{2})(?::\d{2})?)?)?)?")
_YEAR = re.compile(r"(?<!\d)(?:1[89]|20|21)\d{2}(?!\d)")
_WEEKDAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day|(?:周|星期|礼拜)[一二三四五六日天]", re.IGNORECASE)
_TURNED = re.compile(r"\b(?:last|next|this|past|previous)\b|[上下]个?(?:周|星期|礼拜)", re.IGNORECASE)
_DAY = 86_400_000_000
#: Kinds of items that take place at a time, rather than hold from then on.
HAPPENING = ("event", "plan")


class Days(NamedTuple):
    """An interval [start, end) in microseconds; END where its end is open."""

    start: int
    end: int


def written(text: str) -> Days | None:
    """Return the year, month, day or minute that a text such as 2026-05-03 writes; None where it is none."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute = (None if part is None else int(part) for part in found.groups())
    try:
        first = datetime(year or 1, month or 1, day or 1, hour or 0, minute or 0)  # noqa: DTZ001 (of the memory's zone)
        if month is None:
            last = months_on(first, 12)
        else:
            last = months_on(first, 1) if day is None else first.replace(hour=0, minute=0) + timedelta(days=1)
        return Days(to_micros(located(first)), to_micros(located(last)))
    except (OverflowError, ValueError):
        return None


def claimed(claim: Claim) -> Days | None:
    """Return the interval that a claim gives, None where it gives none. Raises ValueError for one that is none."""
    first, last = written(claim.starts), written(claim.ends)
    if (claim.starts.strip() and first is None) or (claim.ends.strip() and last is None):
        raise ValueError("no day")
    if first is None:
        return None
    end = last.end if last is not None else first.end if claim.kind in HAPPENING else END
    if end <= first.start:
        raise ValueError("ends before it starts")
    return Days(first.start, end)


def borne_out(claim: Claim, days: Days, said_at: int) -> bool | None:
    """Return whether the words that a claim gives for its time say these days, seen from when they were said.

    None where the words are vague, or ones that our tables do not know.
    """
    words = claim.time
    unit = written(claim.starts) or days
    if not words.strip():
        return unit.start - _DAY <= said_at < unit.end + _DAY
    spans = spans_in(words, said_at)
    if spans:
        whole = Days(min(since for since, _ in spans), max(until for _, until in spans))
        return any(_overlap(each, unit) for each in (whole, *_otherwise(words, whole, said_at)))
    years = set(_YEAR.findall(words))
    if years:
        wanted = {claim.starts[:4], claim.ends[:4]} - {""}
        return wanted <= years
    ahead = span_ahead(words, said_at)
    return True if ahead is not None and _overlap(Days(*ahead), unit) else None


def _otherwise(words: str, span: Days, said_at: int) -> list[Days]:
    """Return what else the words may mean: another week's day, where they name none; another year's month or date."""
    if _WEEKDAY.search(words) and not _TURNED.search(words):
        week = 7 * _DAY
        return [Days(span.start + n * week, span.end + n * week) for n in (-1, 1, 2)]
    if _YEAR.search(words) or span.end - span.start > 100 * _DAY or abs(span.start - said_at) > 800 * _DAY:
        return []
    if not re.search(r"\d|[a-z]{3}", words, re.IGNORECASE) or re.search(r"yesterday|today|tomorrow|ago", words, re.I):
        return []
    if _TURNED.search(words):
        return []
    days = [local(from_micros(each)) for each in span]
    if any((day.month, day.day) == (2, 29) for day in days):
        return []
    return [Days(*(to_micros(months_on(day, n)) for day in days)) for n in (-12, 12)]


def _overlap(one: Days, other: Days) -> bool:
    return one.start < other.end and other.start < one.end


def parts_of(days: Days) -> set[int]:
    """Return the years and the days of a month that an interval begins and ends with, as numbers."""
    ends = [days.start] if days.end == END else [days.start, days.end - 1]
    shown = [local(from_micros(each)) for each in ends]
    return {number for day in shown for number in (day.year, day.month, day.day)}
