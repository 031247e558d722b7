"""How an error shows a value that it refuses."""

from __future__ import annotations

import reprlib

_BRIEF = reprlib.Repr()
_BRIEF.maxlevel, _BRIEF.maxstring, _BRIEF.maxother, _BRIEF.maxlong = 3, 60, 60, 60


def shown(value: object) -> str:
    """Return a value in at most 60 characters, however long or deep it is, also where it contains itself."""
    try:
        text = _BRIEF.repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, an object that shows what it contains
        text = f"a {type(value).__name__} that is too large to be shown"
    return text if len(text) <= 60 else text[:57] + "..."
