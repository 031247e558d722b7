"""Reading the time a question is about from its words, in English and Chinese, as of when it is asked.

Dates and distances ("in March 2025", "two years ago", "上周") are resolved by dateparser, which also tells their unit;
the span is the whole calendar unit. A reading widens what is looked at and prefers what fits; it never hides anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from treemem.language.distances import AGO, STRETCH, distant, months_on, stretch
from treemem.pieces import beginning
from treemem.temporal import BEGINNING, END, from_micros, to_micros
from treemem.text import MONTH, QUESTION_READ
from treemem.zones import local, located

_UNIT = r"(?:day|week|month|year)s?"
_WHICH = "last|this|next|past|previous"
_WEEKDAY = r"(?:monday|tuesday|wednesday|thursday|friday|saturday|sunday)"


def _behind(*prefixes: str) -> str:
    """Return a pattern for a place right behind one of these words."""
    return "(?:" + "|".join(rf"(?<=\b{prefix} )" for prefix in prefixes) + ")"


#: Days and years by their distance from the present one.
_DAYS = {
    "the day before yesterday": -2, "yesterday": -1, "today": 0, "tonight": 0, "tomorrow": 1,
    "the day after tomorrow": 2,
    "大前天": -3, "前天": -2, "昨天": -1, "今天": 0, "明天": 1, "后天": 2, "大后天": 3,
}  # fmt: skip
_YEARS = {"大前年": -3, "前年": -2, "去年": -1, "今年": 0, "明年": 1, "后年": 2}
#: As many dates of a question are read at most; each costs a millisecond.
MAX_DATES = 16
#: Characters up to which words are tried as a date as a whole.
_LONGEST_WHOLE = 40
_DATE = re.compile(
    rf"{STRETCH}|{AGO}|\b(?:the day before yesterday|the day after tomorrow|yesterday|today|tonight|tomorrow)\b"
    rf"|\d{{4}}-\d{{2}}(?:-\d{{2}})?(?!\d)|\d{{4}}/\d{{1,2}}/\d{{1,2}}(?!\d)"
    rf"|\bfrom {MONTH}\.? to {MONTH}\.?(?: \d{{4}})?\b|\b(?:{_WHICH}) {MONTH}\b(?! \d)"
    rf"|\b(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}\.?(?:,? \d{{4}})?\b"
    rf"|\b{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?\b(?:,? \d{{4}})?"
    rf"|\b{MONTH}\.?,? (?:of )?\d{{4}}\b"
    rf"|{_behind('in', 'last', 'since', 'until', 'before', 'between')}(?:early |late |mid-?)?{MONTH}\b"
    rf"|\b(?:{_WHICH}) (?:{_WEEKDAY}|weekend|{_UNIT}|spring|summer|autumn|fall|winter)\b"
    rf"|{_behind('on')}{_WEEKDAY}\b"
    rf"|{_behind('in', 'of', 'during', 'since', 'until', 'before', 'after', 'by')}(?:19|20)\d{{2}}\b"
    rf"|\d{{4}}年(?:\d{{1,2}}月)?(?:\d{{1,2}}[日号])?|(?<!\d)\d{{1,2}}月(?:\d{{1,2}}[日号])?"
    rf"|(?:上上?|这|本|下下?)个?(?:周末|周|星期|礼拜|月)|大?前天|昨天|今天|明天|大?后天|大?前年|去年|今年|明年|后年",
    re.IGNORECASE,
)
_BEFORE = re.compile(r"\b(?:before|until|till|by|prior to|up to)(?: the)? *$", re.IGNORECASE)
_AFTER = re.compile(r"\b(?:after|since|from)(?: the)? *$", re.IGNORECASE)
_ZH_BEFORE, _ZH_AFTER = re.compile(r"^ *(?:之前|以前|前)"), re.compile(r"^ *(?:之后|以后|以来|后|起)")
_CLAUSE = re.compile(
    r"\b(?P<word>before|after|since|until)\s+(?P<clause>(?:I|we|he|she|they|my|our|his|her|their|the|[A-Z][\w'’]+)\s"
    r"[^?.!,;]{3,80})"
)
_ZH_CLAUSE = re.compile(r"(?P<clause>[^，。？！\s]{2,16}?)(?P<word>之前|以前|之后|以后)")
_NOW = re.compile(
    r"\b(?:now|nowadays|currently|current|these days|at present|at the moment|presently|still|right now)\b"
    r"|现在|目前|如今|当前|眼下",
    re.IGNORECASE,
)
_PREVIOUS = re.compile(
    r"\b(?:previous(?:ly)?|formerly|former|originally|used to|in the past|back then|at first)\b|(?:\bmy|['’]s) old\b"
    r"|\b(?:before|earlier)\b(?=\s*(?:[?.!,]|$))|以前|之前|曾经|原来|原先|过去|从前|当初",
    re.IGNORECASE,
)
_RECENT = re.compile(r"\b(?:recent(?:ly)?|lately|latest|newest|most recent|last time)\b|最近|近来|最新", re.IGNORECASE)
_EVER = re.compile(
    r"\b(?:ever|so far|up to now|to date|all the|over the years)\b"
    r"|^(?:where|what|which|who|how)\b[^?]*?\b(?:have|has) (?:I|we|you|he|she|they|[A-Z]\w+) (?!got\b)"
    r"\w+(?:ed|en|n|t|one|it)\b"
    r"|迄今|到现在为止|都去过|去过|过哪些|曾",
    re.IGNORECASE,
)
#: How many units on: in a question, of a week, a month, a season.
_STEPS = {
    "last": -1,
    "past": -1,
    "previous": -1,
    "this": 0,
    "next": 1,
    "上上": -2,
    "上": -1,
    "这": 0,
    "本": 0,
    "下": 1,
    "下下": 2,
}
_TURN = re.compile(
    rf"(?P<which>{_WHICH}) (?P<unit>{_WEEKDAY}|weekend|day|week|month|year|spring|summer|autumn|fall|winter|{MONTH})s?"
    rf"|(?P<which_zh>上上?|这|本|下下?)个?(?P<unit_zh>周末|周|星期|礼拜|月)",
    re.IGNORECASE,
)
_SEASONS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}


@dataclass(frozen=True, slots=True)
class Told:
    """What the words of a question tell of its time, in microseconds.

    `kind` is as in TimeReading. `clause` is what happened then, where a question says before or after what it means
    and not a date; the times are to be found out.
    """

    kind: str
    since: int = BEGINNING
    until: int = END
    words: str = ""
    clause: str = ""


def read_time(question: str, now: int) -> Told | None:
    """Return what a question's words tell of the time it is about, asked at `now`; None if they tell nothing.

    The first 10,000 characters are read, and of the dates in them the first eight and the last eight.
    """
    question = beginning(question, QUESTION_READ)
    spans = _spans(question, now)
    if spans:
        return _dated(question, spans)
    if found := _PREVIOUS.search(question):
        clause = _clause(question)
        return clause or Told("previous", BEGINNING, now + 1, found.group())
    if clause := _clause(question):
        return clause
    if found := _RECENT.search(question):
        return Told("recent", BEGINNING, now + 1, found.group())
    if found := _NOW.search(question):
        return Told("now", now, now + 1, found.group())
    if found := _EVER.search(question):
        return Told("ever", BEGINNING, now + 1, found.group())
    return None


def spans_in(text: str, now: int) -> list[tuple[int, int]]:
    """Return the calendar units that a text names, as [since, until) in microseconds, seen from `now`."""
    return [(since, until) for since, until, _ in _spans(text, now)]


def span_ahead(text: str, now: int) -> tuple[int, int] | None:
    """Return the calendar unit that a short text means as a whole, the next one of several: "in two weeks", "Friday".

    None where it means none.
    """
    words = text.lower().strip(" .,!?。，！？")
    bounds = _ahead(words, wall(now) // 86_400_000_000) if 0 < len(words) <= _LONGEST_WHOLE else None
    return None if bounds is None else (of_wall(bounds[0]), of_wall(bounds[1]))


@lru_cache(maxsize=1_024)
def _ahead(words: str, day: int) -> tuple[int, int] | None:
    """Return the calendar unit that words name as a whole, the next one where they may mean several; None if none."""
    try:
        data = _parser(from_micros(day * 86_400_000_000), "future").get_date_data(words)
        return None if data.date_obj is None else _unit(data.date_obj, data.period)
    except (OverflowError, ValueError):
        return None


def _clause(question: str) -> Told | None:
    found = _CLAUSE.search(question) or _ZH_CLAUSE.search(question)
    if found is None:
        return None
    clause = re.sub(r"^(?:在|我在)?", "", found["clause"]) if found.re is _ZH_CLAUSE else found["clause"]
    if found.re is _ZH_CLAUSE and not re.search("[搬换去来到辞开始结毕买卖离入]", clause):
        return None
    kind = "before" if found["word"].lower() in ("before", "until", "之前", "以前") else "after"
    return Told(kind, words=found.group().strip(), clause=clause.strip())


def _spans(question: str, now: int) -> list[tuple[int, int, re.Match[str]]]:
    found = []
    year = re.search(r"\b(?:19|20)\d{2}\b", question)
    dates = list(_DATE.finditer(question))
    for match in dates if len(dates) <= MAX_DATES else dates[: MAX_DATES // 2] + dates[-MAX_DATES // 2 :]:
        words = match.group().lower()
        if year and re.fullmatch(MONTH, words):
            words += " " + year.group()
        bounds = _bounds(words, wall(now) // 86_400_000_000)
        if bounds is not None:
            found.append((of_wall(bounds[0]), of_wall(bounds[1]), match))
    return found


def _dated(question: str, spans: list[tuple[int, int, re.Match[str]]]) -> Told:
    since, until, match = spans[0]
    last = spans[-1]
    ahead, behind = question[: match.start()], question[match.end() :]
    if len(spans) > 1:
        words = question[match.start() : last[2].end()]
        return Told("during", min(since, last[0]), max(until, last[1]), words)
    if _BEFORE.search(ahead) or _ZH_BEFORE.search(behind):
        return Told("before", BEGINNING, since, match.group())
    if _AFTER.search(ahead) or _ZH_AFTER.search(behind):
        return Told("after", since if "since" in ahead.lower()[-12:] else until, END, match.group())
    return Told("during", since, until, match.group())


def wall(micros: int) -> int:
    """Return what a clock on the wall of the present zone shows at a time, as if it were UTC; in microseconds."""
    return to_micros(local(from_micros(micros)).replace(tzinfo=UTC))


def of_wall(micros: int) -> int:
    """Return the time at which a clock on the wall of the present zone shows this; in microseconds."""
    return to_micros(located(from_micros(micros).replace(tzinfo=None)))


@lru_cache(maxsize=4_096)
def _bounds(words: str, day: int) -> tuple[int, int] | None:
    """Return the calendar unit that words name, as [first, after last), seen from a day (counted from 1970).

    None for dates that do not exist, or lie outside the years 1 to 9999.
    """
    try:
        return _resolved(words, day)
    except (OverflowError, ValueError):
        return None


def _resolved(words: str, day: int) -> tuple[int, int] | None:
    now = from_micros(day * 86_400_000_000)
    if until_now := stretch(words, now):
        return to_micros(until_now[0]), to_micros(until_now[1])
    if ago := distant(words, now):
        return _unit(*ago)
    if words in _DAYS:
        return _unit(now + timedelta(days=_DAYS[words]), "day")
    if words in _YEARS:
        return _unit(now.replace(month=1, day=1, year=now.year + _YEARS[words]), "year")
    if turn := _TURN.fullmatch(words):
        return _turned(turn["which"] or turn["which_zh"], turn["unit"] or turn["unit_zh"], now)
    if re.fullmatch(r"(?:19|20)\d{2}", words):
        return _unit(datetime(int(words), 1, 1, tzinfo=UTC), "year")
    if found := re.fullmatch(r"(\d{4})-(\d{2})", words):
        return _unit(datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC), "month")
    if several := re.fullmatch(rf"from ({MONTH})\.? to ({MONTH})\.?( \d{{4}})?", words, re.IGNORECASE):
        first, last = (_resolved(several[n] + (several[3] or ""), day) for n in (1, 2))
        return None if first is None or last is None or first > last else (first[0], last[1])
    if found := re.fullmatch(r"(\d{4})/(\d{1,2})/(\d{1,2})", words):
        return _unit(datetime(int(found[1]), int(found[2]), int(found[3]), tzinfo=UTC), "day")
    plain = re.sub(r"^(?:early|late|mid-?) ?", "", words).replace("号", "日")
    if re.fullmatch(r"\d{1,2}月\d{1,2}日", plain):
        plain = f"{now.year}年{plain}"
    data = _parser(now).get_date_data(plain)
    if data.date_obj is None:
        return None
    found_at = data.date_obj
    if found_at > now + timedelta(days=1) and re.fullmatch(r"\d{4}年\d{1,2}月\d{1,2}日", plain) and "年" not in words:
        found_at = found_at.replace(year=found_at.year - 1)
    return _unit(found_at, data.period)


@lru_cache(maxsize=64)
def _parser(now: datetime, prefer: str = "past") -> Any:
    from dateparser.date import DateDataParser

    settings = {
        "RELATIVE_BASE": now.replace(tzinfo=None),
        "PREFER_DATES_FROM": prefer,
        "TIMEZONE": "UTC",
        "RETURN_AS_TIMEZONE_AWARE": True,
    }
    return DateDataParser(languages=["en", "zh"], settings=settings)


def _turned(which: str, unit: str, now: datetime) -> tuple[int, int] | None:
    """Return the span of a unit that lies as far from the present one as `which` tells: last, this, next, 上上, ..."""
    steps = _STEPS[which]
    if unit in ("weekend", "周末"):
        saturday = now + timedelta(days=5 - now.weekday() + 7 * steps)
        return to_micros(saturday), to_micros(saturday + timedelta(days=2))
    if unit in _SEASONS:
        return _nearest(_SEASONS[unit], 3, steps, now)
    if re.fullmatch(MONTH, unit, re.IGNORECASE):
        found = _parser(now).get_date_data(unit).date_obj
        return None if found is None else _nearest(found.month, 1, steps, now)
    if unit in ("week", "周", "星期", "礼拜"):
        return _unit(now + timedelta(days=7 * steps), "week")
    if unit in ("month", "月"):
        return _unit(months_on(now.replace(day=1), steps), "month")
    if unit == "year":
        return _unit(months_on(now.replace(day=1), 12 * steps), "year")
    if unit == "day":
        return _unit(now + timedelta(days=steps), "day")
    found = _parser(now).get_date_data(("next " if steps > 0 else "last ") + unit).date_obj  # a day of the week
    return None if found is None else _unit(found, "day")


def _nearest(month: int, months: int, steps: int, now: datetime) -> tuple[int, int]:
    """Return the months from this one on that are the last before now, the next after now, or the nearest of all."""
    starts = [datetime(now.year + n, month, 1, tzinfo=UTC) for n in (-2, -1, 0, 1, 2)]
    spans = [(start, months_on(start, months)) for start in starts]
    if steps < 0:
        start, end = [span for span in spans if span[1] <= now][-1]
    elif steps > 0:
        start, end = next(span for span in spans if span[0] > now)
    else:
        start, end = min(spans, key=lambda span: max(span[0] - now, now - span[1], timedelta()))
    return to_micros(start), to_micros(end)


def _unit(at: datetime, period: str) -> tuple[int, int]:
    """Return the calendar day, week, month or year around a time."""
    start = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    if period == "week":
        start -= timedelta(days=start.weekday())
        end = start + timedelta(days=7)
    elif period == "month":
        start = start.replace(day=1)
        end = months_on(start, 1)
    elif period == "year":
        start = start.replace(month=1, day=1)
        end = months_on(start, 12)
    else:
        end = start + timedelta(days=1)
    return to_micros(start), to_micros(end)
