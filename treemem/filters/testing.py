"""Filters tested in Python: whether what a memory holds passes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from treemem.changes import State
from treemem.filters.like import like
from treemem.filters.tree import (
    STATE_TIMES,
    And,
    Condition,
    Field,
    Filter,
    Not,
    Or,
)


def matches(tree: Filter | None, fields: Mapping[str, Any], times: Mapping[str, int]) -> bool:
    """Return whether a state passes: its fields, and its `valid_from` and `valid_to` in microseconds."""
    if tree is None:
        return True
    if isinstance(tree, And):
        return all(matches(part, fields, times) for part in tree.parts)
    if isinstance(tree, Or):
        return any(matches(part, fields, times) for part in tree.parts)
    if isinstance(tree, Not):
        return not matches(tree.part, fields, times)
    return holds(tree, value_of(tree.field, fields, times))


def value_of(found: Field, fields: Mapping[str, Any], times: Mapping[str, int]) -> Any:
    """Return what a state has in a field: None, a scalar, or a list of scalars of one type."""
    if found.name in STATE_TIMES:
        return times[STATE_TIMES[found.name]]
    holder, name = fields, found.name
    if name.startswith("info."):
        holder, name = fields.get("info") or {}, name[5:]
    value = holder.get(name, found.default)
    if isinstance(value, Mapping):
        return None
    if isinstance(value, (list, tuple)):
        return list(value) if _one_type(value) else None
    return value


def _one_type(values: Sequence[Any]) -> bool:
    kinds = {type(each) for each in values}
    return len(kinds) == 1 and kinds <= {bool, int, float, str}


def group(value: Any) -> str | None:
    """Return which values compare with each other: booleans, numbers, texts."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    return "text" if isinstance(value, str) else None


def _same(a: Any, b: Any) -> bool:
    return group(a) is not None and group(a) == group(b) and a == b


_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def holds(test: Condition, value: Any) -> bool:
    """Return whether a value, None where there is none, passes a test."""
    wanted = test.value
    if test.op == "=":
        return value is None if wanted is None else _same(value, wanted)
    if value is None:
        return test.op == "in" and None in wanted
    if test.op == "in":
        return any(_same(value, each) for each in wanted)
    if test.op == "contains":
        if isinstance(value, list):
            return any(_same(each, wanted) for each in value)
        return isinstance(value, str) and isinstance(wanted, str) and wanted in value
    if test.op == "like":
        return like(wanted, value)
    return not isinstance(value, list) and group(value) == group(wanted) and _ORDER[test.op](value, wanted)


def like_regex(pattern: str) -> str:
    """Return a LIKE pattern as a regular expression that Python and Java read alike; dots must match line ends."""
    parts = {"%": ".*", "_": "."}
    return "".join(parts.get(c) or ("\\" + c if c in "\\.^$*+?{}[]|()/-&~#" else c) for c in pattern)


def passes(tree: Filter | None, state: State) -> bool:
    """Return whether a state passes a filter."""
    return tree is None or matches(tree, state.fields, {"valid_from": state.valid_from, "valid_to": state.valid_to})
