"""Checks of arguments that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from treemem.changes import EdgeType
from treemem.errors import InvalidInputError
from treemem.filters import Filter, of_types
from treemem.items import MEMORY_TYPES, METADATA_FIELDS, TreeNodeTextualMemoryMetadata, checked_id


def edge_type(value: str | EdgeType) -> EdgeType:
    """Return an edge type by name, or raise InvalidInputError listing the types."""
    try:
        return EdgeType(value)
    except ValueError:
        raise InvalidInputError(f"type: wanted one of {', '.join(EdgeType)}, found {value!r}") from None


def given_metadata(verb: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata given by keywords, `metadata={...}` among them, as one dict.

    Raises InvalidInputError for a keyword that is no field, naming the nearest; free fields go into `info={...}`.
    """
    fields = dict(given)
    inner = fields.pop("metadata", None)
    if inner is not None and not isinstance(inner, Mapping):
        if not isinstance(inner, TreeNodeTextualMemoryMetadata):
            raise InvalidInputError(f"metadata: wanted a dict, found {type(inner).__name__}")
        inner = inner.model_dump(exclude_unset=True)
    known_names(verb, fields, METADATA_FIELDS)
    return {**(inner or {}), **fields}


def known_names(verb: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Raise InvalidInputError for a keyword that a verb does not know, naming the nearest one that it does."""
    allowed = sorted(known)
    for name in given:
        if name not in allowed:
            near = get_close_matches(str(name), allowed, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]!r}?" if near else "free fields go into info={...}"
            raise InvalidInputError(f"{verb}: there is no {str(name)!r}; {hint}")


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
