"""Values of other programs, whatever they are, as JSON that a store keeps."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from pathlib import PurePath
from typing import Any
from uuid import UUID

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.exchange.notes import Notes
from treemem.storable import MAX_DEPTH, MAX_VALUES, check_json

#: Characters that no store keeps: NUL, and halves of surrogate pairs.
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_BIGGEST = 1 << 63
#: Types whose text says all of them.
_TEXTS = (UUID, PurePath, Fraction, timedelta)


class _LeftOut(Exception):
    """A value that cannot be kept; its text says why."""


def text_of(value: object) -> str:
    """Return the text of anything, without what no store keeps."""
    try:
        return _UNKEPT.sub("\ufffd", str(value))
    except Exception:  # of somebody else's class
        return f"<{type(value).__name__}>"


def attributes_of(given: Mapping[Any, Any], notes: Notes, of: str) -> dict[str, Any]:
    """Return the attributes of something as JSON. A time is ISO 8601, a Decimal a number if that says the same, else a
    text; what cannot be kept is left out and noted, each by itself.
    """
    found: dict[str, Any] = {}
    for key, value in given.items():
        name = text_of(key)
        try:
            plain = _Value().plain(value, 0)
            check_json({name: plain}, of)
        except _LeftOut as error:
            notes.note(f"{of}: {error}", name)
        except (InvalidInputError, RecursionError) as error:
            notes.note(f"{of}: what no store can keep is left out", f"{name}: {shown(str(error))}")
        else:
            if plain is not None:
                found[name] = plain
    return found


class _Value:
    """Converts one value; counts what lies in it, since it may contain itself."""

    def __init__(self) -> None:
        self._seen = 0

    def plain(self, value: Any, depth: int) -> Any:
        """Return a value as JSON, or raise _LeftOut."""
        self._seen += 1
        if depth > MAX_DEPTH or self._seen > MAX_VALUES:
            raise _LeftOut("what is too deep or too large, or contains itself, is left out")
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, Enum):
            return self.plain(value.value, depth + 1)
        if isinstance(value, str):
            return _UNKEPT.sub("\ufffd", value)
        if isinstance(value, int):
            return int(value) if -_BIGGEST <= value < _BIGGEST else text_of(value)
        if isinstance(value, float):
            return _number(float(value))
        if isinstance(value, Decimal):
            return _decimal(value)
        if isinstance(value, (datetime, date, time)):
            return _time(value)
        if isinstance(value, _TEXTS):
            return text_of(value)
        if isinstance(value, Mapping):
            return {text_of(name): self.plain(each, depth + 1) for name, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.plain(each, depth + 1) for each in value]
        if isinstance(value, (set, frozenset)):
            return [self.plain(each, depth + 1) for each in sorted(value, key=text_of)]
        if not isinstance(value, type) and hasattr(value, "tolist"):  # of numpy
            listed = value.tolist()
            if type(listed) is not type(value):
                return self.plain(listed, depth + 1)
        raise _LeftOut(f"values of type {type(value).__name__} are left out")


def _number(value: float) -> float:
    if not math.isfinite(value):
        raise _LeftOut("what is NaN or infinite, or holds such a number, is left out")
    return value


def _decimal(value: Decimal) -> int | float | str:
    if not value.is_finite():
        return _number(math.nan)
    if value.adjusted() < 18 and value == value.to_integral_value():
        return int(value)
    near = float(value)
    return near if math.isfinite(near) and Decimal(repr(near)) == value else str(value)


def _time(value: datetime | date | time) -> str:
    if value != value:  # pandas' NaT
        raise _LeftOut("times that are none are left out")
    return value.isoformat()
