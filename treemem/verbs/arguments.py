"""Checks of arguments that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from treemem.changes import EdgeType
from treemem.errors import InvalidInputError
from treemem.filters import Filter, of_types
from treemem.items import MEMORY_TYPES, checked_id


def edge_type(value: str | EdgeType) -> EdgeType:
    """Return an edge type by name, or raise InvalidInputError listing the types."""
    try:
        return EdgeType(value)
    except ValueError:
        raise InvalidInputError(f"type: wanted one of {', '.join(EdgeType)}, found {value!r}") from None


def within(name: str, value: float, low: float, high: float) -> float:
    """Return a number that lies in [low, high], or raise InvalidInputError naming it."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InvalidInputError(f"{name}: wanted {low} to {high}, found {value!r}")
    return value


def among(name: str, values: Sequence[str], allowed: Sequence[str]) -> list[str]:
    """Return one or more words as a list, or raise InvalidInputError listing the words allowed."""
    many = [values] if isinstance(values, str) else list(values)
    for value in many:
        if value not in allowed:
            raise InvalidInputError(f"{name}: wanted some of {', '.join(allowed)}, found {value!r}")
    if not many:
        raise InvalidInputError(f"{name}: wanted at least one of {', '.join(allowed)}, found none")
    return many


def types_filter(memory_types: Sequence[str] | None) -> Filter | None:
    """Return the filter of some memory types, None for all, or raise InvalidInputError listing them."""
    return of_types(None if memory_types is None else among("memory_types", memory_types, MEMORY_TYPES))


def distinct_ids(ids: str | Iterable[str]) -> list[str]:
    """Return one or more ids, sorted and each once, or raise InvalidInputError."""
    return sorted({checked_id(i) for i in ([ids] if isinstance(ids, str) else ids)})
