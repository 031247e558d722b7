"""Whole words put in the place of others, in texts and in the lists of a memory."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from treemem.language import CJK

_WORD = re.compile(rf"[{CJK}]|[^\W_{CJK}]+")
#: Signs beside a word that make it a part of an address, a path, a tag or a name in a program.
_BEFORE, _BEHIND = frozenset("@/\\#_$"), frozenset("@/\\_")


def renamed(text: str, old: str, new: str) -> str:
    """Return a text with `new` wherever `old` stands as whole words: "Apollo's", not "Apollonia" or "/srv/apollo".

    What is written in capital letters, or without any, is so afterwards. Scripts without spaces have no whole words:
    there every place counts.
    """
    wanted = [match.group().casefold() for match in _WORD.finditer(old)]
    plain = text.casefold()
    if not wanted or not all(word in plain for word in wanted):
        return text
    said = [match.span() for match in _WORD.finditer(text)]
    folded = [text[start:end].casefold() for start, end in said]
    gaps = _gaps(old)
    parts: list[str] = []
    at = place = 0
    while place <= len(said) - len(wanted):
        if folded[place] != wanted[0] or folded[place : place + len(wanted)] != wanted:
            place += 1
            continue
        start, end = said[place][0], said[place + len(wanted) - 1][1]
        if _gaps(text[start:end]) == gaps and _stands_alone(text, start, end):
            parts += [text[at:start], _cased(text[start:end], old, new)]
            at = end
            place += len(wanted)
        else:
            place += 1
    return "".join([*parts, text[at:]])


def says(text: str, words: str) -> bool:
    """Return whether a text has some words as whole words."""
    return renamed(text, words, "\0") != text


def renamed_fields(fields: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return what of a memory is otherwise once a name is replaced: its text, title, tags, and the names it lists."""
    found: dict[str, Any] = {}
    for name in ("memory", "key"):
        value = fields.get(name)
        if isinstance(value, str) and (now := renamed(value, old, new)) != value:
            found[name] = now
    for name in ("tags", "entities"):
        values = fields.get(name) or []
        now_all = [renamed(each, old, new) if isinstance(each, str) else each for each in values]
        if now_all != list(values):
            found[name] = list(dict.fromkeys(now_all))
    return found


def _gaps(text: str) -> list[str]:
    """Return what stands between the words of a text, with white space as one blank."""
    between = (text[a.end() : b.start()] for a, b in pairwise(_WORD.finditer(text)))
    return [" ".join(gap.split()) or gap[:1] for gap in between]


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Return whether words are none of an address, a path, or a name in a program."""
    before, behind = text[start - 1 : start], text[end : end + 1]
    dotted = behind == "." and text[end + 1 : end + 2].isalnum()
    dotted = dotted or (before == "." and start > 1 and text[start - 2].isalnum())
    return before not in _BEFORE and behind not in _BEHIND and not dotted if before or behind else True


def _cased(found: str, old: str, new: str) -> str:
    if len(found) > 1 and found.isupper() and not old.isupper():
        return new.upper()
    if found.islower() and not old.islower():
        return new.lower()
    if found[:1].isupper() and old.islower():
        return new[:1].upper() + new[1:]
    return new
