"""Checks of arguments that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from treemem.changes import EdgeType
from treemem.checks import among, is_several, known_names, shown
from treemem.errors import InvalidInputError
from treemem.filters import Filter, of_types
from treemem.ids import checked_id
from treemem.items import MEMORY_TYPES, METADATA_FIELDS, TreeNodeTextualMemoryMetadata, set_fields

#: What MemOS calls types that treemem has, and whether their edges go the other way round.
ALIASES = {
    "CAUSE": (EdgeType.CAUSES, False),
    "RELATE": (EdgeType.RELATES_TO, False),
    "RELATE_TO": (EdgeType.RELATES_TO, False),
    "CONFLICT": (EdgeType.CONTRADICTS, False),
    "MERGED_TO": (EdgeType.MERGED_INTO, False),
    "FOLLOW": (EdgeType.FOLLOWS, False),
    "PRECEDING": (EdgeType.FOLLOWS, False),
    "FOLLOWING": (EdgeType.FOLLOWS, True),
}


def edge_named(value: str | EdgeType) -> tuple[EdgeType, bool]:
    """Return an edge type by its name, or by that which MemOS has for it, and whether source and target change places.

    Raises InvalidInputError.
    """
    try:
        return ALIASES[value] if value in ALIASES else (EdgeType(value), False)
    except (ValueError, TypeError, RecursionError):
        raise InvalidInputError(
            f"type: wanted one of {', '.join(EdgeType)}, or a type of your own of 2 to 64 capital letters, digits and "
            f"low lines, such as WORKS_AT; found {shown(value)}"
        ) from None


def edge_type(value: str | EdgeType) -> EdgeType:
    """Return an edge type by its name, or raise InvalidInputError."""
    return edge_named(value)[0]


def edge_types(name: str, values: str | Iterable[str | EdgeType]) -> tuple[EdgeType, ...]:
    """Return one or more edge types by their names, or raise InvalidInputError naming the argument."""
    if isinstance(values, (bytes, type)) or not is_several(values):
        raise InvalidInputError(f"{name}: wanted types of edges, found {shown(values)}")
    many = [values] if isinstance(values, str) else list(values)
    if not many:
        raise InvalidInputError(f"{name}: wanted at least one type of edge, found none")
    try:
        return tuple(edge_type(value) for value in many)
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from None


def given_metadata(verb: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata given by keywords, `metadata={...}` among them, as one dict.

    Raises InvalidInputError for a keyword that is no field, naming the nearest; free fields go into `info={...}`.
    """
    fields = dict(given)
    inner = fields.pop("metadata", None)
    if inner is not None and not isinstance(inner, Mapping):
        if not isinstance(inner, TreeNodeTextualMemoryMetadata):
            raise InvalidInputError(f"metadata: wanted a dict, found {type(inner).__name__}")
        inner = set_fields(inner)
    known_names(verb, fields, METADATA_FIELDS)
    return {**(inner or {}), **fields}


def types_filter(memory_types: Sequence[str] | None) -> Filter | None:
    """Return the filter of some memory types, None for all, or raise InvalidInputError listing them."""
    return of_types(None if memory_types is None else among("memory_types", memory_types, MEMORY_TYPES))


def distinct_ids(ids: str | Iterable[str]) -> list[str]:
    """Return one or more ids, sorted and each once, or raise InvalidInputError."""
    return sorted({checked_id(i) for i in ([ids] if isinstance(ids, str) else ids)})
