"""A filter as Cypher over a State `s`: fixed fragments, every name and value a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treemem.filters import STATE_TIMES, And, Bounds, Condition, Filter, Not, Or, like_regex
from treemem.store.neo4j.rows import time

_COMPARE = {"=": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
#: Where statements take a filter: what an index tests by itself, and the rest.
IN_INDEX, REST = "/* in-index filter */", "/* filter */"


def compiled(bounds: Bounds, rest: Filter | None) -> tuple[str, str, dict[str, Any]]:
    """Return the in-index part and the rest, each as text to append to a WHERE, and their parameters."""
    tests = []
    parameters: dict[str, Any] = {}
    if bounds.memory_types is not None:
        tests.append("s.memory_type IN $types")
        parameters["types"] = list(bounds.memory_types)
    if bounds.valid_from is not None:
        tests.append("s.valid_from >= $starts_from")
        parameters["starts_from"] = time(bounds.valid_from)
    text = "" if rest is None else " AND " + _text(rest, parameters)
    return "".join(f" AND {test}" for test in tests), text, parameters


def predicate(tree: Filter | None, beside: Mapping[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
    """Return a whole filter as text to append to a WHERE, and its parameters with those `beside` which it stands."""
    parameters = dict(beside or {})
    text = "" if tree is None else " AND " + _text(tree, parameters)
    return text, parameters


def put_in(statement: str, in_index: str, rest: str) -> str:
    """Return a statement with a filter in its places: what an index can test is tested again beside the rest."""
    return statement.replace(IN_INDEX, in_index).replace(REST, in_index + rest)


def _text(tree: Filter, parameters: dict[str, Any]) -> str:
    if isinstance(tree, Not):
        return f"NOT {_text(tree.part, parameters)}"
    if isinstance(tree, (And, Or)):
        word, empty = ("AND", "true") if isinstance(tree, And) else ("OR", "false")
        return "(" + (f" {word} ".join(_text(part, parameters) for part in tree.parts) or empty) + ")"
    return f"coalesce({_test(tree, parameters)}, false)"


def _test(test: Condition, parameters: dict[str, Any]) -> str:
    value = _value(test, parameters)
    wanted = test.value
    if test.op == "in":
        some = _given([each for each in wanted if each is not None], parameters)
        return f"({value} IN {some}" + (f" OR {value} IS NULL)" if None in wanted else ")")
    if wanted is None:
        return f"{value} IS NULL"
    if test.op == "contains":
        given = _given(wanted, parameters)
        return (
            f"CASE WHEN {value} IS :: STRING NOT NULL THEN {value} CONTAINS {given} "
            f"WHEN {value} IS :: LIST<ANY> NOT NULL THEN {given} IN {value} ELSE false END"
        )
    if test.op == "like":
        given = _given("(?s)" + like_regex(wanted), parameters)
        return f"CASE WHEN {value} IS :: STRING NOT NULL THEN {value} =~ {given} ELSE false END"
    given = _given(time(wanted) if test.field.kind == "time" else wanted, parameters)
    return f"{value} {_COMPARE[test.op]} {given}"


def _value(test: Condition, parameters: dict[str, Any]) -> str:
    found = test.field
    text = f"s[{_given(STATE_TIMES.get(found.name, found.name), parameters)}]"
    return text if found.default is None else f"coalesce({text}, {_given(found.default, parameters)})"


def _given(value: Any, parameters: dict[str, Any]) -> str:
    """Add a parameter and return its name; the number of those before it makes the name a new one."""
    name = f"filter_{len(parameters)}"
    parameters[name] = value
    return "$" + name
