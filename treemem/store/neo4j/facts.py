"""Facts: what filters test of a state's free fields, as one list of texts.

The keys of `info` are the user's words. As names of properties they would stay in the database for good: Neo4j never
forgets a name, and `purge` could not take it back. A State therefore keeps its `info` as JSON, and beside it `facts`,
a list with one text for each value: a name, a colon, a letter for the type, the value.

    "scene":tchat        the text "chat"                 "done":b1   true
    "n":nc0080000...     a number, so that texts sort as the numbers do
    "list":Ta "list":Tb  the members of a list (T, N or B)

Neo4j compares texts by UTF-16 units, which puts U+10000 and what follows before U+E000. Python and SQLite compare code
points. A text for which that matters has another fact, `o`, whose units sort as its code points do; so do the
built-in text fields, under their own names without quotes.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Any

from treemem.filters import FIELDS, Field, group
from treemem.filters.testing import value_of

INFO = "info."
_LETTERS = {"boolean": "b", "number": "n", "text": "t"}
#: The letter of a text's other form, whose UTF-16 units sort as code points.
ORDERED = "o"


def start(field: str, letter: str = "") -> str:
    """Return how the facts of a field begin: those of one type, or all. It has ASCII letters only."""
    name = json.dumps(field.removeprefix(INFO)) if field.startswith(INFO) else field
    return f"{name}:{letter}"


def letter(value: Any, *, member: bool = False) -> str:
    """Return the letter for the type of a value, or for a list that has it as a member."""
    found = _LETTERS[str(group(value))]
    return found.upper() if member else found


def spelled(value: Any) -> str:
    """Return a value as its facts spell it: equal values alike, numbers in their order."""
    if isinstance(value, bool):
        return "1" if value else "0"
    return value if isinstance(value, str) else _number(value)


def fact(field: str, value: Any, *, member: bool = False) -> str:
    """Return the fact that says that a field has a value, or has it in its list."""
    return start(field, letter(value, member=member)) + spelled(value)


def _number(value: float) -> str:
    """Return 16 hexadecimal digits of the nearest double, raised so that they sort, and 4 of what an integer has more.

    Doubles sort as their bits do if the first bit is turned, and all bits where it was set. 0.0 stands for -0.0.
    """
    nearest = float(value) + 0.0
    (bits,) = struct.unpack(">Q", struct.pack(">d", nearest))
    bits ^= (1 << 64) - 1 if bits >> 63 else 1 << 63
    more = value - int(nearest) if isinstance(value, int) else 0
    return f"{bits:016x}{more + 0x8000:04x}"


def ordered(text: str) -> str:
    """Return a text whose UTF-16 units sort as the code points of `text` do; most texts are returned as they are."""
    if text.isascii() or max(text) < "\uffff":
        return text
    return "".join(c if c < "\uffff" else "\uffff\u0001" if c == "\uffff" else "\uffff" + c for c in text)


def facts_of(fields: Mapping[str, Any]) -> list[str]:
    """Return the facts of a state's fields."""
    found: list[str] = []
    for name in fields.get("info") or {}:
        field = INFO + name
        value = value_of(Field(field, "any"), fields, {})
        if isinstance(value, list):
            found += [fact(field, each, member=True) for each in value]
        elif value is not None:
            found.append(fact(field, value))
            found += _other_form(field, value)
    for name in _TEXTS & fields.keys():
        found += _other_form(name, fields[name])
    return sorted(found)


_TEXTS = {field.name for field in FIELDS.values() if field.kind == "text"}


def _other_form(field: str, value: Any) -> Iterator[str]:
    if isinstance(value, str) and (other := ordered(value)) != value:
        yield start(field, ORDERED) + other
