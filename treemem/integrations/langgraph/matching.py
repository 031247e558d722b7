"""LangGraph's conditions on values and namespaces, as its own stores read them."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from treemem.errors import InvalidInputError

_ORDERED: dict[str, Callable[[float, float], bool]] = {
    "$gt": operator.gt,
    "$gte": operator.ge,
    "$lt": operator.lt,
    "$lte": operator.le,
}


def passes(value: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Return whether a value has all that a filter names: values, or operators on them ({"$gte": 3})."""
    return all(_is(value.get(name), each) for name, each in wanted.items())


def _is(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping):
        if any(str(name).startswith("$") for name in wanted):
            return all(_compared(found, name, each) for name, each in wanted.items())
        return isinstance(found, Mapping) and passes(found, wanted)
    if isinstance(wanted, (list, tuple)):
        return (
            isinstance(found, (list, tuple))
            and len(found) == len(wanted)
            and all(_is(one, other) for one, other in zip(found, wanted, strict=True))
        )
    return bool(found == wanted)


def _compared(found: Any, name: str, wanted: Any) -> bool:
    if name == "$eq":
        return bool(found == wanted)
    if name == "$ne":
        return bool(found != wanted)
    if name not in _ORDERED:
        raise InvalidInputError(f"filter: wanted one of $eq, $ne, {', '.join(_ORDERED)}, found {name!r:.60}")
    try:
        return _ORDERED[name](float(found), float(wanted))
    except (TypeError, ValueError):  # what is no number is neither more nor less than one
        return False


def matches(kind: str, path: Sequence[str], namespace: Sequence[str]) -> bool:
    """Return whether a namespace begins or ends with a path, of which "*" is any label."""
    if kind not in ("prefix", "suffix"):
        raise InvalidInputError(f"match_type: wanted prefix or suffix, found {kind!r:.60}")
    if len(namespace) < len(path):
        return False
    part = namespace[: len(path)] if kind == "prefix" else namespace[len(namespace) - len(path) :]
    return all(wanted in ("*", label) for wanted, label in zip(path, part, strict=True))
