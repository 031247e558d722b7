"""Checks of values that people give, and how a value is shown in a refusal. Knows nothing of memories."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any

from treemem.errors import InvalidInputError
from treemem.locations import may_hold_secret

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 3, 60, 60


def shown(value: object) -> str:
    """Return a value as at most some sixty characters, however large, deep or odd it is.

    What may be an address with a password or a key in it is not shown.
    """
    try:
        text = _SHORT.repr(value)
    except Exception:  # a repr of somebody else's may raise anything
        text = f"<{type(value).__name__}>"
    if may_hold_secret(str(value) if isinstance(value, (str, PurePath)) else text):
        return f"a {type(value).__name__} that is meant for a server, and is not shown"
    return text if len(text) <= 60 else text[:57] + "..."


def within(name: str, value: Any, low: float, high: float) -> float:
    """Return a number that lies in [low, high], or raise InvalidInputError naming it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InvalidInputError(f"{name}: wanted {low} to {high}, found {shown(value)}")
    return value


def whole(name: str, value: Any) -> int:
    """Return a whole number, or raise InvalidInputError naming it."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise InvalidInputError(f"{name}: wanted a whole number, found {shown(value)}")
    return value


def among(name: str, values: str | Iterable[str], allowed: Sequence[str]) -> list[str]:
    """Return one or more words as a list, or raise InvalidInputError listing the words allowed."""
    if isinstance(values, (bytes, type)) or not is_several(values):
        raise InvalidInputError(f"{name}: wanted some of {', '.join(allowed)}, found {shown(values)}")
    many = [values] if isinstance(values, str) else list(values)
    for value in many:
        if not isinstance(value, str) or value not in allowed:
            raise InvalidInputError(f"{name}: wanted some of {', '.join(allowed)}, found {shown(value)}")
    if not many:
        raise InvalidInputError(f"{name}: wanted at least one of {', '.join(allowed)}, found none")
    return many


def is_several(value: object) -> bool:
    """Return whether a value can be gone through; an array of no dimension says so, and cannot."""
    return isinstance(value, Iterable) and getattr(value, "ndim", 1) != 0


def known_names(verb: str, given: Iterable[object], known: Iterable[str]) -> None:
    """Raise InvalidInputError for a keyword that a verb does not know, naming the nearest one that it does."""
    allowed = set(known)
    for name in given:
        if name not in allowed:
            near = get_close_matches(str(name), sorted(allowed), n=1, cutoff=0.6)
            free = "free fields go into info={...}" if "info" in allowed else f"it takes {', '.join(sorted(allowed))}"
            hint = f"did you mean {near[0]!r}?" if near else free
            raise InvalidInputError(f"{verb}: there is no {shown(name)}; {hint}")
