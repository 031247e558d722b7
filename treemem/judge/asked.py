"""Which value a question asks for, and whether a newer text gives another one than an older text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from treemem.judge.values import Value, values_in
from treemem.text import analyse

_HOW_MANY = re.compile(
    r"\bhow many ((?:[\w'-]+ )*?)(?=(?:have|has|had|do|does|are|is|am|will|can|could|should|would|in|on|of|per)\b)"
    r"|\b(?:number|count) of ((?:[\w-]+ ?){1,3})|(?:多少|几)([个只台辆本条家次位])",
    re.IGNORECASE,
)
_HOW_MUCH = re.compile(r"\bhow much\b|\b(?:price|cost|budget|salary|rent|fee)\b|多少钱", re.IGNORECASE)
_SHARE = re.compile(
    r"\bpercent(?:age)?\b|\bwhat\b.*\b(?:rate|accuracy|coverage|share|proportion)\b|百分", re.IGNORECASE
)
_WHEN = re.compile(
    r"\bwhen (?:is|are|do|does|will|am|should)\b|\bwhat (?:time|date|day|deadline)\b|\bdeadline\b"
    r"|什么时候|几点|哪天|几号",
    re.IGNORECASE,
)
_WHAT = re.compile(r"\bwhat(?:'s| is| are) (?:my|our|the)\b", re.IGNORECASE)
_PAST = re.compile(r"\b(?:did|was|were|used to|how long)\b", re.IGNORECASE)
_GOAL = re.compile(r"\b(?:goal|target|quota|limit|aim)", re.IGNORECASE)
_CHANGE = re.compile(
    r"\b(?:now|new|newly|recently|updat\w+|increas\w+|decreas\w+|improv\w+|reached|reduc\w+|extend\w+|rais\w+|"
    r"gr(?:ew|own)|adjust\w+|reschedul\w+|postpon\w+|mov(?:ed|ing)|push\w+|chang\w+|instead|no longer|revis\w+|"
    r"dropped|bumped|expand\w+|actually)\b|现在|改成|改为|改到|涨到|降到|增加到|提高到|推迟到",
    re.IGNORECASE,
)
_NOT_THE_VALUE = re.compile(
    r"(?:\b(?:from|initially|originally|instead of|rather than|not|used to be|extra|another)|从|原来(?:是)?)\s*$"
)
_WISHED = re.compile(
    r"\b(?:goal of|target of|targeting|achieve|aim(?:ing)? for|at least|at most|under|within|up to|less than|more than|"
    r"reach|get to|between)\s*$"
)
#: Characters of a question beyond which it asks for no one value.
LONGEST_QUESTION = 1_000
_ANY = ("number", "share", "money", "date", "clock")
_COMMON = frozenset(
    """mani much number total averag current time do use work want make get need includ have date day rate percentag
    count complet schedul recent period plan aim differ dure""".split()
)
#: The share of the question's words that must stand around a value: in the older text; in the newer one; there for a
#: date or a time of day, of which texts are full; and more than this where the newer text says that the value is new.
_OLD_SHARE, _NEW_SHARE, _NEW_DATE_SHARE, _CHANGED_SHARE = 0.6, 0.6, 0.8, 0.25
_ALIKE, _ALIKE_WORDS = 0.5, 5


@dataclass(frozen=True, slots=True)
class Focus:
    """What a question asks the value of.

    `kinds` of value answer it; `head` is the stem of what it counts, if it counts, and `kin` the stems that say which
    of those; `about` are the stems of the thing; `wished` is whether a goal or limit is asked for.
    """

    kinds: tuple[str, ...]
    head: str
    kin: frozenset[str]
    about: frozenset[str]
    wished: bool


def focus_of(question: str) -> Focus | None:
    """Return what value a question asks for as it stands, None if it asks for none or for how it once was.

    A question of more than 1,000 characters asks for none.
    """
    if len(question) > LONGEST_QUESTION or _PAST.search(question):
        return None
    unit: list[str] = []
    counted = _HOW_MANY.search(question)
    if counted:
        kinds: tuple[str, ...] = ("number",)
        unit = analyse(next((group for group in counted.groups() if group), ""))
    elif _SHARE.search(question):
        kinds = ("share",)
    elif _HOW_MUCH.search(question):
        kinds = ("money", "number")
    elif _WHEN.search(question):
        kinds = ("date", "clock")
    elif _WHAT.search(question):
        kinds = _ANY
    else:
        return None
    about = frozenset(analyse(question)) - _COMMON
    head, kin = (unit[-1], frozenset(unit[:-1]) - _COMMON) if unit else ("", frozenset[str]())
    return Focus(kinds, head, kin, about, _GOAL.search(question) is not None) if about else None


def another_value(focus: Focus, older: str, newer: str) -> tuple[Value, Value] | None:
    """Return the value that the older text gives to what is asked and the other one that the newer text gives to it.

    None if they do not both surely answer the question, or agree.
    """
    for kind in focus.kinds:
        old = _answer(focus, kind, older, None)
        new = None if old is None else _answer(focus, kind, newer, old)
        if old is not None and new is not None and new.text != old.text and _counted(focus, old, new):
            return old, new
    return None


def _answer(focus: Focus, kind: str, text: str, before: Value | None) -> Value | None:
    """Return the value of a kind by which a text answers the question best, beside the older answer if there is one."""
    found = [v for v in values_in(text) if v.kind == kind and _counts(focus, v) and _stated(focus, v)]
    sure = [v for v in found if _sure(focus, v, before)]
    return max(sure, key=lambda v: (_share(focus, v), changes(v)), default=None)


def _share(focus: Focus, value: Value) -> float:
    return len(focus.about & value.about) / len(focus.about)


def _counts(focus: Focus, value: Value) -> bool:
    """Return whether a number counts what is asked for; one that something rose to needs no unit."""
    if value.kind != "number" or not focus.head:
        return True
    if focus.head in value.unit:
        return not focus.kin or bool(focus.kin & value.about)
    return not value.unit and changes(value)


def _counted(focus: Focus, old: Value, new: Value) -> bool:
    """Return whether one of both names what is counted, so that a bare number is not taken for it twice."""
    return old.kind != "number" or not focus.head or focus.head in old.unit or focus.head in new.unit


def _stated(focus: Focus, value: Value) -> bool:
    """Return whether a text says that it is so, not that it was, is wished for, or is a part."""
    if _NOT_THE_VALUE.search(value.before):
        return False
    return focus.wished or _WISHED.search(value.before) is None


def _sure(focus: Focus, value: Value, before: Value | None) -> bool:
    share = _share(focus, value)
    if before is None:
        return share >= _OLD_SHARE
    shared = before.about & value.about
    alike = len(shared) / max(1, min(len(before.about), len(value.about)))
    return (
        share >= (_NEW_DATE_SHARE if value.kind in ("date", "clock") else _NEW_SHARE)
        or (changes(value) and share > _CHANGED_SHARE and len(shared) >= 2)
        or (share > _CHANGED_SHARE and alike >= _ALIKE and len(shared) >= _ALIKE_WORDS)
    )


def changes(value: Value) -> bool:
    """Return whether the words before a value say that it is new."""
    return _CHANGE.search(value.before) is not None
