"""Checks of arguments that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from treemem.changes import EdgeType
from treemem.checks import among, known_names, shown
from treemem.errors import InvalidInputError
from treemem.filters import Filter, of_types
from treemem.ids import checked_id
from treemem.items import MEMORY_TYPES, METADATA_FIELDS, TreeNodeTextualMemoryMetadata, set_fields


def edge_type(value: str | EdgeType) -> EdgeType:
    """Return an edge type by name, or raise InvalidInputError listing the types."""
    try:
        return EdgeType(value)
    except (ValueError, TypeError, RecursionError):
        raise InvalidInputError(f"type: wanted one of {', '.join(EdgeType)}, found {shown(value)}") from None


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
