"""Values that texts state: numbers with their unit, shares, money, dates, times of day; and what each is said of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from treemem.text import MONTH, analyse

MONTHS = (
    "january february march april may june july august september october november december "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
).split()
_COUNTED = "one two three four five six seven eight nine ten eleven twelve".split()
_WORD_NUMBERS = {word: str(number) for number, word in enumerate(_COUNTED, 1)}
#: Characters of a text, and of a sentence, beyond which no values are looked for; those up to which they are kept in
#: memory.
LONGEST_TEXT, LONGEST_SENTENCE, KEPT = 20_000, 1_500, 2_000
_NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,5}(?:\.\d{1,9})?|\d{1,15}(?:\.\d{1,9})?)"
_APART = r"(?<![\w.,#/-])"
_DATES = (
    rf"\b{MONTH}\.? \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?\b",
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}(?:,? \d{{4}})?\b",
    r"\b\d{4}-\d{2}-\d{2}\b",
    r"\d{1,2}月\d{1,2}[日号]",
)
_NUMBERS = (
    rf"{_APART}{_NUMBER}(?![\w:/]|[.,-]\d)",
    rf"\b(?:{'|'.join(_COUNTED)})\b",
    rf"{_APART}{_NUMBER}(?:ms|kg|km|cm|gb|mb|h)\b",
    r"[一两三四五六七八九十]{1,6}(?=[个只台辆本条家次位])",
)
#: The first kind that matches at a place has it.
_PATTERNS = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("date", "|".join(_DATES)),
        ("clock", r"\b\d{1,2}(?::\d{2})? ?[ap]\.?m\b\.?|\b\d{1,2}:\d{2}\b|[上下]午\d{1,2}点半?"),
        ("share", rf"{_NUMBER} ?(?:%|percent\b)"),
        ("money", rf"[$€£¥] ?{_NUMBER}[km]?\b|\b{_NUMBER} ?(?:dollars|euros|pounds|元|块)"),
        ("number", "|".join(_NUMBERS)),
    )
)
_BREAK = re.compile(r"[.!?;。！？；](?=\s|$)|[。！？；]|\n+|```")
_AFTER_WORDS = 4
_CODE = re.compile(r"```.*?(?:```|\Z)", re.S)


@dataclass(frozen=True, slots=True)
class Value:
    """A value and what it is said of.

    `kind` is date, clock, share, money or number; `text` the value in one spelling; `unit` the stems right after a
    number, up to the next comma or stop; `about` the stems of the sentence around it; `before` the words that lead to
    it, folded.
    """

    kind: str
    text: str
    unit: tuple[str, ...]
    about: frozenset[str]
    before: str


def values_in(text: str) -> tuple[Value, ...]:
    """Return the values that a text states, in order; blocks of code and very long sentences are passed over.

    A text of more than 20,000 characters is not looked at.
    """
    if len(text) > LONGEST_TEXT:
        return ()
    return _kept(text) if len(text) <= KEPT else _values_in(text)


def _values_in(text: str) -> tuple[Value, ...]:
    found: list[Value] = []
    for sentence in _sentences(_CODE.sub("\n", text)):
        if len(sentence) > LONGEST_SENTENCE:
            continue
        spans: list[tuple[int, int, str]] = []
        for kind, pattern in _PATTERNS:
            for match in pattern.finditer(sentence):
                if not any(a < match.end() and match.start() < b for a, b, _ in spans):
                    spans.append((match.start(), match.end(), kind))
        if not spans:
            continue
        about = frozenset(analyse(sentence))
        for start, end, kind in sorted(spans):
            said = sentence[start:end]
            found.append(
                Value(
                    kind,
                    _spelled(said, kind),
                    tuple(analyse(_unit(sentence[end:]))) if kind == "number" else (),
                    about - frozenset(analyse(said)),
                    sentence[max(0, start - 60) : start].casefold(),
                )
            )
    return tuple(found)


_kept = lru_cache(maxsize=2_048)(_values_in)


def _unit(after: str) -> str:
    """Return the words that a number counts: at most four, not past a comma, a stop or a bracket."""
    return " ".join(re.split(r"[,.;:!?()，。；：！？（）]", after, maxsplit=1)[0].split()[:_AFTER_WORDS])


def _sentences(text: str) -> list[str]:
    return [part.strip() for part in _BREAK.split(text) if part.strip()]


def _spelled(said: str, kind: str) -> str:
    """Return a value in one spelling: digits without separators, dates as month and day."""
    folded = said.casefold().replace(",", "").strip()
    if kind == "date":
        parts = re.findall(r"[a-z]+|\d+", re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", folded))
        month = [p[:3] for p in parts if p.isalpha() and p in MONTHS]
        days = [str(int(p)) for p in parts if p.isdigit() and len(p) <= 2]
        return " ".join([*month, *days]) if month else folded
    if kind == "clock":
        return re.sub(r"[\s.]|:00", "", folded)
    if kind == "number":
        return _WORD_NUMBERS.get(folded, folded)
    return re.sub(r"\s|percent", "", folded).rstrip("%")
