"""Checks of arguments that several verbs share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from treemem.changes import EdgeType
from treemem.checks import among, is_several, known_names, shown
from treemem.errors import InvalidInputError
from treemem.filters import Filter, of_types
from treemem.ids import checked_id
from treemem.items import MEMORY_TYPES, METADATA_FIELDS, TreeNodeTextualMemoryMetadata, set_fields


class Alias(NamedTuple):
    """What a name that MemOS has for edges stands for here: a type, and whether source and target change places.

    One that is `narrow` says more than the type does, so that an edge keeps it as well.
    """

    type: EdgeType
    turned: bool = False
    narrow: bool = False


#: What MemOS calls types that treemem has. The new text of the last four is made from the older ones, so that they go
#: where DERIVED_FROM goes.
ALIASES = {
    "CAUSE": Alias(EdgeType.CAUSES),
    "RELATE": Alias(EdgeType.RELATES_TO),
    "RELATE_TO": Alias(EdgeType.RELATES_TO),
    "CONFLICT": Alias(EdgeType.CONTRADICTS),
    "MERGED_TO": Alias(EdgeType.MERGED_INTO),
    "FOLLOW": Alias(EdgeType.FOLLOWS),
    "PRECEDING": Alias(EdgeType.FOLLOWS),
    "FOLLOWING": Alias(EdgeType.FOLLOWS, turned=True),
    "MATERIAL": Alias(EdgeType.DERIVED_FROM, narrow=True),
    "AGGREGATE_TO": Alias(EdgeType.DERIVED_FROM, narrow=True),
    "SUMMARY": Alias(EdgeType.DERIVED_FROM, turned=True, narrow=True),
    "INFERS": Alias(EdgeType.DERIVED_FROM, turned=True, narrow=True),
}
#: The property of an edge that holds the names that MemOS has for it, where they say more than its type.
NAMES = "memos_types"


def alias(value: object) -> Alias | None:
    """Return what a name stands for if it is one of MemOS's, else None."""
    return ALIASES.get(value) if isinstance(value, str) else None


def edge_named(value: str | EdgeType) -> tuple[EdgeType, bool]:
    """Return an edge type by its name, or by that which MemOS has for it, and whether source and target change places.

    Raises InvalidInputError.
    """
    named = alias(value)
    return (own_type(value), False) if named is None else (named.type, named.turned)


def own_type(value: str | EdgeType) -> EdgeType:
    """Return the edge type of that very name, even if it is one that MemOS has for another; or raise as above."""
    try:
        return EdgeType(value)
    except (ValueError, TypeError, RecursionError):
        raise InvalidInputError(
            f"type: wanted one of {', '.join(EdgeType)}, or a type of your own of 2 to 64 capital letters, digits and "
            f"low lines, such as WORKS_AT; found {shown(value)}"
        ) from None


#: Types of edges that are asked for, each with whether its edges are meant the other way round, or both ways.
Ways = Mapping[EdgeType, frozenset[bool]]


def edge_ways(name: str, values: str | Iterable[str | EdgeType]) -> Ways:
    """Return what one or more names of edges stand for, or raise InvalidInputError naming the argument.

    A name of MemOS's stands for the type it means, and for one of that very name: graphs of others may have some.
    """
    if isinstance(values, (bytes, type)) or not is_several(values):
        raise InvalidInputError(f"{name}: wanted types of edges, found {shown(values)}")
    found: dict[EdgeType, frozenset[bool]] = {}
    try:
        for value in [values] if isinstance(values, str) else values:
            for kind, turned in dict([edge_named(value), (own_type(value), False)]).items():
                found[kind] = found.get(kind, frozenset()) | {turned}
    except InvalidInputError as error:
        raise InvalidInputError(f"{name}: {error}") from None
    return found


def edge_types(name: str, values: str | Iterable[str | EdgeType]) -> tuple[EdgeType, ...]:
    """Return one or more edge types by their names, or raise InvalidInputError naming the argument."""
    found = tuple(edge_ways(name, values))
    if not found:
        raise InvalidInputError(f"{name}: wanted at least one type of edge, found none")
    return found


def with_names(properties: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the properties of an edge with the names that MemOS has for it, if they tell more than its type does."""
    several = len(set(names)) > 1
    told = several or any(ALIASES[name].turned or ALIASES[name].narrow for name in names)
    return {**properties, NAMES: list(dict.fromkeys(names))} if told else dict(properties)


def names_of(kind: str, properties: Mapping[str, Any]) -> list[str]:
    """Return the names that MemOS has for an edge of a type, as `with_names` keeps them, none where there are none."""
    names = properties.get(NAMES)
    if not isinstance(names, list) or any(getattr(alias(each), "type", None) != kind for each in names):
        return []
    return names if with_names({}, names).get(NAMES) == names else []


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
