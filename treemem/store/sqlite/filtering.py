"""A filter as SQL over a row `s` of the state table: fixed fragments, every name and value a parameter.

A value is a scalar or a list of scalars of one type; anything else in `info` counts as absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from treemem.filters import STATE_TIMES, And, Condition, Filter, Not, Or, group, holds

_COMPARE = {"=": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}
_TYPES = {"text": "('text')", "number": "('integer', 'real')", "boolean": "('true', 'false')"}
_COLUMNS = {"memory_type": "memory_type", "status": "status", **STATE_TIMES}
#: A JSON array whose members are scalars of one type.
_LIST = (
    "(j.type = 'array' AND (SELECT count(DISTINCT replace(t.type, 'false', 'true')) = 1 AND "
    "max(t.type IN ('null', 'array', 'object')) = 0 FROM json_each(j.value) t))"
)
_SCALAR = "j.type IN ('text', 'integer', 'real', 'true', 'false')"


def compiled(tree: Filter | None) -> tuple[str, dict[str, Any]]:
    """Return a filter as text to append to a WHERE, and its parameters."""
    parameters: dict[str, Any] = {}
    return "" if tree is None else f" AND {_text(tree, parameters)}", parameters


def _text(tree: Filter, parameters: dict[str, Any]) -> str:
    if isinstance(tree, Not):
        return f"NOT {_text(tree.part, parameters)}"
    if isinstance(tree, (And, Or)):
        word, empty = ("AND", "1") if isinstance(tree, And) else ("OR", "0")
        return "(" + (f" {word} ".join(_text(part, parameters) for part in tree.parts) or empty) + ")"
    column = _COLUMNS.get(tree.field.name)
    return _json_test(tree, parameters) if column is None else _column_test(tree, f"s.{column}", parameters)


def _column_test(test: Condition, column: str, parameters: dict[str, Any]) -> str:
    if test.op == "in":
        return f"{column} IN {_many([v for v in test.value if v is not None], parameters)}"
    if test.value is None:
        return "0"
    if test.op in ("contains", "like"):
        return _text_test(test, column, parameters)
    return f"{column} {_COMPARE[test.op]} {_given(test.value, parameters)}"


def _text_test(test: Condition, value: str, parameters: dict[str, Any]) -> str:
    if test.op == "like":
        return f"text_like({_given(test.value, parameters)}, {value})"
    return f"instr({value}, {_given(test.value, parameters)}) > 0"


def _json_test(test: Condition, parameters: dict[str, Any]) -> str:
    name, path = test.field.name, "'$'"
    if name.startswith("info."):
        name, path = name[5:], "'$.info'"
    key = f"j.key = {_given(name, parameters)}"
    source = f"SELECT 1 FROM json_each(s.fields, {path}) j WHERE {key}"
    present = f"EXISTS ({source} AND ({_SCALAR} OR {_LIST}))"
    test_of_value = _value_test(test, parameters)
    found = "0" if test_of_value is None else f"EXISTS ({source} AND {test_of_value})"
    return f"({found} OR NOT {present})" if holds(test, test.field.default) else found


def _value_test(test: Condition, parameters: dict[str, Any]) -> str | None:
    """Return the test of a value that is there, None if no value passes."""
    wanted = test.value
    if test.op == "in":
        alike: dict[str, list[Any]] = {}
        for each in wanted:
            if each is not None:
                alike.setdefault(str(group(each)), []).append(each)
        tests = [f"(j.type IN {_TYPES[kind]} AND j.value IN {_many(some, parameters)})" for kind, some in alike.items()]
        return "(" + " OR ".join(tests) + ")" if tests else None
    if wanted is None:
        return None
    types = _TYPES[str(group(wanted))]
    if test.op == "contains":
        member = (
            f"({_LIST} AND EXISTS (SELECT 1 FROM json_each(j.value) t WHERE t.type IN {types} "
            f"AND t.value = {_given(wanted, parameters)}))"
        )
        if not isinstance(wanted, str):
            return member
        return f"({member} OR (j.type = 'text' AND {_text_test(test, 'j.value', parameters)}))"
    if test.op == "like":
        return f"(j.type = 'text' AND {_text_test(test, 'j.value', parameters)})"
    return f"(j.type IN {types} AND j.value {_COMPARE[test.op]} {_given(wanted, parameters)})"


def _many(values: Iterable[Any], parameters: dict[str, Any]) -> str:
    return f"(SELECT value FROM json_each({_given(json.dumps(list(values)), parameters)}))"


def _given(value: Any, parameters: dict[str, Any]) -> str:
    name = f"filter_{len(parameters)}"
    parameters[name] = int(value) if isinstance(value, bool) else value
    return ":" + name
