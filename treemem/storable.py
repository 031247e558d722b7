"""What both stores can keep: texts without half characters, JSON that comes back as it went in, and their bounds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from treemem.checks import shown
from treemem.errors import InvalidInputError

#: Characters of a text.
MAX_TEXT = 1_000_000
#: Bounds of a field of metadata: how deep it nests, how many values it holds, how many characters in all.
MAX_DEPTH, MAX_VALUES, MAX_CHARACTERS = 100, 100_000, 4_000_000
#: Characters of all the metadata of one memory, so that an archive can hold it in a line.
MAX_IN_ALL = 8_000_000
#: A value that nests no deeper, with no more in each list or dict and no longer texts, is within these bounds.
_SMALL_DEPTH, _SMALL, _SMALL_TEXT = 3, 16, 900
_SURROGATE = re.compile("[\ud800-\udfff]")


def checked_text(value: object, field: str = "memory") -> str:
    """Return a text that both stores can keep, or raise InvalidInputError naming `field`."""
    if not isinstance(value, str):
        raise InvalidInputError(f"{field}: wanted a string, found {shown(value)}")
    if not value.strip():
        raise InvalidInputError(f"{field}: wanted a text, found nothing but white space")
    return storable(value, field)


def storable(value: str, field: str) -> str:
    """Return a text that both stores can keep, an empty one too, or raise InvalidInputError naming `field`."""
    problem = _unstorable(value)
    if problem is not None:
        raise InvalidInputError(f"{field}: {problem}")
    return value


def _unstorable(value: str) -> str | None:
    if len(value) > MAX_TEXT:
        return f"{len(value)} characters; at most {MAX_TEXT} fit. Split the text first"
    if "\x00" in value:
        return "contains a NUL character; remove it"
    if half_character(value):
        return "contains half of a surrogate pair; decode the text properly first"
    return None


def half_character(text: str) -> bool:
    """Return whether a text contains half of a surrogate pair, which no database and no file takes."""
    return not text.isascii() and _SURROGATE.search(text) is not None


#: Where a value lies inside another: what it lies in, and its name or number there.
_Path = tuple[Any, str]


def check_json(value: Any, field: str) -> None:
    """Raise InvalidInputError unless `value` is JSON that comes back as it went in: string keys, finite numbers.

    It may nest MAX_DEPTH deep and hold MAX_VALUES values and MAX_CHARACTERS characters; a value that contains itself
    is too deep, and one that is repeated counts each time, since it is written each time.
    """
    if _is_small(value):
        return
    waiting: list[tuple[Any, _Path | str, int]] = [(value, field, 0)]
    values = characters = 0
    while waiting:
        each, path, depth = waiting.pop()
        inner: list[tuple[Any, _Path | str, int]] = []
        if isinstance(each, str):
            characters += len(each)
            problem = _unstorable(each)
        elif isinstance(each, (list, tuple)):
            inner = [(one, (path, f"[{i}]"), depth + 1) for i, one in enumerate(each[: MAX_VALUES + 1])]
            problem = None
        elif isinstance(each, Mapping):
            problem = next((p for p in map(_wrong_name, each) if p is not None), None)
            if problem is None:
                characters += sum(map(len, each))
                inner = [(one, (path, f".{name:.60}"), depth + 1) for name, one in each.items()]
        else:
            problem = _no_json(each)
        if inner and depth == MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} deep, or contains itself; flatten it"
        if problem is not None:
            raise InvalidInputError(f"{_named(path)}: {problem}")
        values += len(inner)
        if values > MAX_VALUES or characters > MAX_CHARACTERS:
            raise InvalidInputError(
                f"{field}: more than {MAX_VALUES} values or {MAX_CHARACTERS} characters in all; keep a link instead"
            )
        waiting += reversed(inner)


def characters_in(value: Any, other: int = 0) -> int:
    """Return how many characters the texts in a value of JSON have, those of names too, and `other` for each value that
    is no text.
    """
    if isinstance(value, str):
        return len(value)
    if isinstance(value, Mapping):
        return other + sum(map(len, value)) + sum(characters_in(each, other) for each in value.values())
    return other + sum(characters_in(each, other) for each in value) if isinstance(value, (list, tuple)) else other


def _is_small(value: Any, depth: int = _SMALL_DEPTH) -> bool:
    """Return whether a value is JSON, and so little of it that no bound matters, as most metadata is."""
    kind = type(value)
    if kind is str:
        return len(value) <= _SMALL_TEXT and _unstorable(value) is None
    if kind is dict:
        return (
            depth > 0
            and len(value) <= _SMALL
            and all(
                type(name) is str
                and len(name) <= _SMALL_TEXT
                and _wrong_name(name) is None
                and _is_small(each, depth - 1)
                for name, each in value.items()
            )
        )
    if kind is list:
        return depth > 0 and len(value) <= _SMALL and all(_is_small(each, depth - 1) for each in value)
    return kind in (int, float, bool, type(None)) and _no_json(value) is None


def _named(path: _Path | str) -> str:
    parts = []
    while not isinstance(path, str):
        path, part = path
        parts.append(part)
    text = path + "".join(reversed(parts))
    return text if len(text) <= 160 else text[:157] + "..."


def _wrong_name(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return f"wanted names that are strings, found {shown(value)}"
    return _unstorable(value)


def _no_json(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        fits = -(1 << 63) <= value < 1 << 63
        return None if fits else f"{shown(value)} does not fit into 64 bits; store it as a string"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value} is no JSON number; use None or a string"
    return f"{shown(value)} is no JSON value; wanted a string, number, boolean, None, list or dict"


def cleaned(value: Any, depth: int = 0) -> Any:
    """Return a decoded JSON value as both stores can keep it, where nobody is there to be told what is wrong with it.

    What stands for no character becomes the sign for that, a name that is empty is left out with its value, and what
    nests deeper than MAX_DEPTH is cut off.
    """
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value.replace("\x00", "\ufffd")) if _unstorable(value[:MAX_TEXT]) else value
    if depth == MAX_DEPTH and isinstance(value, (Mapping, list, tuple)):
        return None
    if isinstance(value, Mapping):
        return {cleaned(str(name)): cleaned(each, depth + 1) for name, each in value.items() if str(name)}
    return [cleaned(each, depth + 1) for each in value] if isinstance(value, (list, tuple)) else value
