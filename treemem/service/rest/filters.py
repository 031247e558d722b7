"""Filters as requests write them, as filters of treemem's.

Fields are those of the API; every other name is a key of `info`, bare. A filter is for all, or for one source each:
what is the user's, what is public, what is of a knowledge base, what an agent was there for.
"""

from __future__ import annotations

from typing import Any

from treemem.checks import shown
from treemem.items import MEMORY_TYPES
from treemem.service.rest.codes import PARAMETERS, TYPE, Refusal

#: Fields of the API and what they are called here.
FIELDS = {
    "agent_id": "agent_id",
    "app_id": "app_id",
    "tags": "tags",
    "create_time": "created_at",
    "created_at": "created_at",
    "update_time": "updated_at",
    "updated_at": "updated_at",
}
OPERATORS = ("lt", "gt", "lte", "gte", "=", "in", "contains")
#: How deep a filter is nested, and how many conditions and values it has.
DEEPEST, MOST_PARTS = 16, 2_000
_OF_BASES = {"memory_type": "KnowledgeBaseMemory"}
#: What is not of a source, by the words for them: any of these. Each is a plain test, which databases plan fast.
OUTSIDE: dict[str, list[dict[str, Any]]] = {
    "user": [{"visibility": "public"}, _OF_BASES],
    "public": [{"visibility": {"in": ["private", "session"]}}, _OF_BASES],
    "knowledgebase": [{"memory_type": {"in": [name for name in MEMORY_TYPES if name != "KnowledgeBaseMemory"]}}],
    "agent": [{"agent_id": None}],
}


def translated(given: Any) -> dict[str, Any] | None:
    """Return the filter of a request as one of treemem's, None for none. Raises Refusal."""
    if given is None:
        return None
    if not isinstance(given, dict):
        raise Refusal(TYPE, f"filter: wanted an object, found {shown(given)}")
    if not given:
        raise Refusal(PARAMETERS, "filter: an empty object is no filter; leave it out")
    _bounded(given)
    named = given.keys() & OUTSIDE.keys()
    if not named:
        return _read(given, 0)
    if named != given.keys():
        raise Refusal(PARAMETERS, f"filter: {', '.join(sorted(named))} are not mixed with other conditions")
    parts = []
    for source in sorted(named):
        if not isinstance(given[source], dict) or not given[source]:
            raise Refusal(PARAMETERS, f"filter: {source} wants an object with conditions")
        parts.append({"or": [*OUTSIDE[source], _read(given[source], 1)]})
    return {"and": parts}


def _bounded(given: Any) -> None:
    """Raise Refusal for a filter of too many parts, before anything is made of it."""
    left, parts = [given], 0
    while left:
        each = left.pop()
        if isinstance(each, (dict, list)):
            parts += len(each)
            if parts > MOST_PARTS:
                raise Refusal(PARAMETERS, f"filter: wanted at most {MOST_PARTS:,} conditions and values together")
            left += each.values() if isinstance(each, dict) else each


def both(*filters: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what passes all of the filters, None where there is none."""
    some = [each for each in filters if each is not None]
    return None if not some else some[0] if len(some) == 1 else {"and": some}


def _read(given: Any, depth: int) -> dict[str, Any]:
    if depth > DEEPEST:
        raise Refusal(PARAMETERS, f"filter: nested deeper than {DEEPEST}")
    if not isinstance(given, dict) or not given:
        raise Refusal(PARAMETERS, f"filter: wanted an object with conditions, found {shown(given)}")
    parts = [_entry(name, value, depth) for name, value in given.items()]
    return parts[0] if len(parts) == 1 else {"and": parts}


def _entry(name: str, value: Any, depth: int) -> dict[str, Any]:
    if name in ("and", "or"):
        if not isinstance(value, list) or not value:
            raise Refusal(PARAMETERS, f"filter: {name} wants a list of conditions, found {shown(value)}")
        return {name: [_read(each, depth + 1) for each in value]}
    if name in ("user_id", "info", "not"):
        why = {"user_id": "whose a memory is, is said beside the filter", "info": "keys of info stand bare"}
        raise Refusal(PARAMETERS, f"filter: {name} is no field; {why.get(name, 'wanted and, or, or conditions')}")
    field = FIELDS.get(name) or (name if name.startswith("info.") else f"info.{name}")
    if field == "tags":
        return _tags(value)
    if isinstance(value, list):  # such as related_id: any of which matches
        return {"or": [{"or": [{field: each}, *_listed(field, each)]} for each in value]}
    if not isinstance(value, dict):
        if value is None:
            raise Refusal(PARAMETERS, f"filter: {name} wants a value, found null")
        return {field: value}
    for operator in value:
        if operator not in OPERATORS:
            raise Refusal(PARAMETERS, f"filter: {name} takes {', '.join(OPERATORS)}, found {shown(operator)}")
    if not value:
        raise Refusal(PARAMETERS, f"filter: {name} wants a value or an operator, found an empty object")
    return {field: value}


def _tags(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        if value.keys() != {"contains"}:
            raise Refusal(PARAMETERS, 'filter: tags takes {"contains": a tag}')
        value = value["contains"]
    many = value if isinstance(value, list) else [value]
    if not many or not all(isinstance(each, str) for each in many):
        raise Refusal(PARAMETERS, f"filter: tags wants a text, found {shown(value)}")
    parts = [{"tags": {"contains": each}} for each in many]
    return parts[0] if len(parts) == 1 else {"and": parts}


def _listed(field: str, value: Any) -> list[dict[str, Any]]:
    """Return the tests that a list of a key of `info` has the value among its own; a text with it inside is none."""
    if not field.startswith("info."):
        return []
    return [{"and": [{field: {"contains": value}}, {"not": {field: {"like": "%"}}}]}]
