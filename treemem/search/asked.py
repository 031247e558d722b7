"""Which value a question asks for, and whether a newer text gives another one than an older text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from treemem.judge.values import scan
from treemem.language import Pack, entries, fitting, packs
from treemem.text import analyse

_ASKED = frozenset({"date", "clock", "share", "money", "count"})
#: Characters of a text, and of a sentence, beyond which no values that answer a question are looked for; those up to
#: which what was found in a text is remembered.
LONGEST_TEXT, LONGEST_SENTENCE, KEPT = 20_000, 1_500, 2_000
#: Characters around a value: those before it, and words after it.
_BEFORE, _AFTER_WORDS = 60, 4
_SENTENCE = re.compile(r"[.!?;](?=\s|$)|[。！？；\n]|```")
_CLAUSE = re.compile(r"[,.;:!?()，。；：！？（）]")

#: Characters of a question beyond which it asks for no one value.
LONGEST_QUESTION = 1_000
#: The share of the question's words that must stand around a value: in the older text; in the newer one; there for a
#: date or a time of day, of which texts are full; and more than this where the newer text says that the value is new.
_OLD_SHARE, _NEW_SHARE, _NEW_DATE_SHARE, _CHANGED_SHARE = 0.6, 0.6, 0.8, 0.25
#: The share of the words of the sentence around the older value, and how many, that make two sentences alike.
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
    languages = fitting(question) if len(question) <= LONGEST_QUESTION else ()
    if any(pack.pattern("asked_of_the_past").search(question) for pack in languages):
        return None
    common = frozenset(word for pack in languages for word in pack.words("asked_common"))
    about = frozenset(analyse(question)) - common
    for pack in languages if about else ():
        for pattern, kinds in pack.rewrites("asked"):
            if match := pattern.search(question):
                unit = analyse(match.groupdict().get("unit") or "") or [""]
                wished = pack.pattern("asked_goal").search(question) is not None
                return Focus(tuple(entries(kinds)), unit[-1], frozenset(unit[:-1]) - common, about, wished)
    return None


def another_value(focus: Focus, older: str, newer: str) -> tuple[Value, Value] | None:
    """Return the value that the older text gives to what is asked and the other one that the newer text gives to it.

    None if they do not both surely answer the question, or agree.
    """
    for kind in focus.kinds:
        old = _answer(focus, kind, older, None)
        new = None if old is None else _answer(focus, kind, newer, old)
        if old is None or new is None or new.text == old.text:
            continue
        if old.kind != "number" or not focus.head or focus.head in (*old.unit, *new.unit):
            return old, new
    return None


def _answer(focus: Focus, kind: str, text: str, before: Value | None) -> Value | None:
    """Return the value of a kind by which a text answers the question best, beside the older answer if there is one."""
    found = [v for v in values_in(text) if v.kind == kind and _counts(focus, v) and _stated(focus, v)]
    sure = [v for v in found if _sure(focus, v, before)]
    return max(sure, key=lambda v: (len(focus.about & v.about), _led(v, "value_is_new")), default=None)


def _counts(focus: Focus, value: Value) -> bool:
    """Return whether a number counts what is asked for; one that something rose to needs no unit."""
    if value.kind != "number" or not focus.head:
        return True
    if focus.head in value.unit:
        return not focus.kin or bool(focus.kin & value.about)
    return not value.unit and _led(value, "value_is_new")


def _stated(focus: Focus, value: Value) -> bool:
    """Return whether a text says that it is so, not that it was, is wished for, or is a part."""
    return not _led(value, "value_is_not_it") and (focus.wished or not _led(value, "value_is_wished"))


def _sure(focus: Focus, value: Value, before: Value | None) -> bool:
    share = len(focus.about & value.about) / len(focus.about)
    if before is None:
        return share >= _OLD_SHARE
    shared = len(before.about & value.about)
    alike = shared / max(1, min(len(before.about), len(value.about)))
    return (
        share >= (_NEW_DATE_SHARE if value.kind in ("date", "clock") else _NEW_SHARE)
        or (_led(value, "value_is_new") and share > _CHANGED_SHARE and shared >= 2)
        or (share > _CHANGED_SHARE and alike >= _ALIKE and shared >= _ALIKE_WORDS)
    )


def _led(value: Value, name: str) -> bool:
    """Return whether the words before a value fit a pattern of a name."""
    return any(pack.pattern(name).search(value.before) for pack in packs().values())


@dataclass(frozen=True, slots=True)
class Value:
    """A value that may answer a question, and what it is said of.

    `kind` is date, clock, share, money or number; `unit` are the stems right after a number, up to the next comma or
    stop; `about` the stems of the sentence around it; `before` the words that lead to it, folded.
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
    languages = fitting(text)
    plain = " \n".join(text.split("```")[::2]) if "```" in text else text
    return tuple(value for sentence in _SENTENCE.split(plain) for value in _values(languages, sentence.strip()))


_kept = lru_cache(maxsize=256)(_values_in)


def _values(languages: tuple[Pack, ...], sentence: str) -> Iterable[Value]:
    if not sentence or len(sentence) > LONGEST_SENTENCE:
        return
    found, _ = scan(languages, sentence, _ASKED)
    about = frozenset(analyse(sentence)) if found else frozenset()
    for each in sorted(found, key=lambda amount: amount.start):
        kind = "number" if each.kind == "count" else each.kind
        after = " ".join(_CLAUSE.split(sentence[each.end :], maxsplit=1)[0].split()[:_AFTER_WORDS])
        yield Value(
            kind,
            each.value,
            tuple(analyse(after)) if kind == "number" else (),
            about - frozenset(analyse(sentence[each.start : each.end])),
            sentence[max(0, each.start - _BEFORE) : each.start].casefold(),
        )
