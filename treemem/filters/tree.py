"""Filters: one syntax tree, read from JSON or built in Python, evaluated here and compiled by each store.

JSON: `{"and": [{"tags": {"contains": "reading"}}, {"create_time": {"gte": "2025-01-01"}}, {"scene": "chat"}]}`.
Python: `(field("tags").contains("reading")) & (field("create_time") >= "2025-01-01")`.

Logic has two values: a condition on a field that a memory does not have is false, and `not` of it is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, Literal, get_origin

from treemem.checks import is_several, shown
from treemem.errors import InvalidInputError
from treemem.items import MEMORY_TYPES, STATUSES, TreeNodeTextualMemoryMetadata
from treemem.keywords import checked_names
from treemem.storable import check_json
from treemem.temporal import END, day_after, parse_time

Kind = Literal["text", "number", "boolean", "texts", "time", "any"]
Operator = Literal["=", "!=", "in", "contains", "like", "gt", "gte", "lt", "lte"]

OPERATORS: dict[Kind, tuple[Operator, ...]] = {
    "text": ("=", "!=", "in", "contains", "like", "gt", "gte", "lt", "lte"),
    "number": ("=", "!=", "in", "gt", "gte", "lt", "lte"),
    "boolean": ("=", "!=", "in"),
    "texts": ("contains",),
    "time": ("=", "!=", "in", "gt", "gte", "lt", "lte"),
    "any": ("=", "!=", "in", "contains", "like", "gt", "gte", "lt", "lte"),
}
_SPELLED: dict[str, Operator] = {"==": "=", "eq": "=", "ne": "!=", "neq": "!=", ">": "gt", ">=": "gte", "<": "lt"}
_SPELLED |= {"<=": "lte"}
#: Keys of `info` that the reference names without a prefix.
BUSINESS = ("business_type", "biz_id", "scene", "custom_status")
_RENAMED = {"create_time": "created_at", "update_time": "updated_at"}
MAX_DEPTH = 32
MAX_CONDITIONS = 1_000
MAX_PATTERN = 1_000
_TOO_MANY = f"filter: more than {MAX_CONDITIONS} conditions; use `in` with a list of values"
#: Values that one `in` may list.
MAX_VALUES = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """A field that filters know: its name in a state, what it holds, and what a memory without it has."""

    name: str
    kind: Kind
    default: Any = None


def _kind(annotation: Any) -> Kind | None:
    if get_origin(annotation) is dict:
        return None
    text = str(annotation)
    if "datetime" in text:
        return "time"
    if get_origin(annotation) is list:
        return "texts"
    if annotation is bool:
        return "boolean"
    if annotation is float:
        return "number"
    return "text" if "str" in text or "Literal" in text else None


_UNSTORED = ("embedding", "version", "recorded_from", "recorded_to")


def _fields() -> dict[str, Field]:
    found = {"memory": Field("memory", "text")}
    for name, each in TreeNodeTextualMemoryMetadata.model_fields.items():
        kind = None if name in _UNSTORED else _kind(each.annotation)
        if kind is not None:
            found[name] = Field(name, kind, each.default if kind in ("text", "number", "boolean") else None)
    found |= {alias: found[name] for alias, name in _RENAMED.items()}
    return found | {name: Field(f"info.{name}", "any") for name in BUSINESS}


FIELDS = _fields()
#: Which state time stands for a time field that is no part of the content.
STATE_TIMES = {"updated_at": "valid_from", "valid_from": "valid_from", "valid_to": "valid_to"}


def known_field(name: object) -> Field:
    """Return a field by name, `info.<key>` included; raise InvalidInputError listing the fields."""
    if isinstance(name, str) and name.startswith("info.") and len(name) > 5:
        check_json(name, "filter: the name of a field")
        return Field(name, "any")
    if isinstance(name, str) and name in FIELDS:
        return FIELDS[name]
    raise InvalidInputError(
        f"filter: there is no field {shown(name)}; wanted one of {', '.join(sorted(FIELDS))}, or info.<key> for a key "
        "of `info`"
    )


class _Node:
    """Filters join by `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: Filter) -> And:
        return And((*(self.parts if isinstance(self, And) else (self,)), other))

    def __or__(self, other: Filter) -> Or:
        return Or((*(self.parts if isinstance(self, Or) else (self,)), other))

    def __invert__(self) -> Not:
        return Not(self)  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        raise TypeError("a filter is neither true nor false; join filters with &, | and ~")


@dataclass(frozen=True, slots=True)
class Condition(_Node):
    """One test of one field. Times are microseconds; `!=` and `in` of times are written with `=`, `gte` and `lt`."""

    field: Field
    op: Operator
    value: Any


@dataclass(frozen=True, slots=True)
class And(_Node):
    """All of the parts hold; none: true."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or(_Node):
    """Some of the parts hold; none: false."""

    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not(_Node):
    """The part does not hold."""

    part: Filter


Filter = Condition | And | Or | Not
FilterLike = Filter | Mapping[str, Any]


@checked_names
class field:
    """A field in the Python form of filters.

    >>> flt = field("tags").contains("home") & (field("confidence") >= 80)
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, name: str) -> None:
        self._field = known_field(name)

    def __eq__(self, value: object) -> Filter:  # type: ignore[override]
        return condition(self._field, "=", value)

    def __ne__(self, value: object) -> Filter:  # type: ignore[override]
        return condition(self._field, "!=", value)

    def __gt__(self, value: Any) -> Filter:
        return condition(self._field, "gt", value)

    def __ge__(self, value: Any) -> Filter:
        return condition(self._field, "gte", value)

    def __lt__(self, value: Any) -> Filter:
        return condition(self._field, "lt", value)

    def __le__(self, value: Any) -> Filter:
        return condition(self._field, "lte", value)

    def in_(self, values: Iterable[Any]) -> Filter:
        """The field has one of the values."""
        return condition(self._field, "in", values)

    def contains(self, value: Any) -> Filter:
        """A list has the value among its own; a text has it inside."""
        return condition(self._field, "contains", value)

    def like(self, pattern: str) -> Filter:
        """A text fits the whole pattern: % stands for any characters, _ for one. Upper and lower case differ."""
        return condition(self._field, "like", pattern)


def parse(value: FilterLike | None) -> Filter | None:
    """Return a filter in JSON or Python form as a syntax tree, None for None or an empty dict.

    Raises InvalidInputError that names the field, what is wrong and what is allowed.
    """
    if value is None or (isinstance(value, Mapping) and not value):
        return None
    _check_size(value)
    tree = _read(value)
    if _size(tree) > MAX_CONDITIONS:
        raise InvalidInputError(_TOO_MANY)
    return tree


def _check_size(value: Any) -> None:
    """Raise InvalidInputError if a filter is nested too deep or has too many parts, before any of it is read.

    So a filter that holds itself, or one part in many places, is refused like any other that is too large.
    """
    seen = 0
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        each, depth = waiting.pop()
        if depth > MAX_DEPTH:
            raise InvalidInputError(f"filter: nested deeper than {MAX_DEPTH}")
        for parts in _joined_in(each):
            seen += len(parts)
            if seen > 4 * MAX_CONDITIONS:
                raise InvalidInputError(_TOO_MANY)
            waiting += [(part, depth + 1) for part in parts]


def _joined_in(value: Any) -> Iterator[Sequence[Any]]:
    """Yield the filters that a filter joins, in either form; nothing of what is no filter."""
    if isinstance(value, (And, Or)):
        yield value.parts
    elif isinstance(value, Not):
        yield (value.part,)
    elif isinstance(value, Mapping):
        yield range(len(value))  # its conditions, which join nothing
        for name in value.keys() & {"and", "or", "not"}:
            yield value[name] if isinstance(value[name], (list, tuple)) else (value[name],)


def _read(value: Any) -> Filter:
    if isinstance(value, (Condition, And, Or, Not)):
        return value
    if not isinstance(value, Mapping):
        raise InvalidInputError(
            f"filter: wanted a dict such as {{'tags': {{'contains': 'home'}}}}, found {shown(value)}"
        )
    parts = [_entry(name, each) for name, each in value.items()]
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _entry(name: Any, value: Any) -> Filter:
    if name in ("and", "or"):
        if not isinstance(value, (list, tuple)):
            raise InvalidInputError(f"filter: {shown(name)} wants a list of filters, found {shown(value)}")
        parts = tuple(_read(each) for each in value)
        return And(parts) if name == "and" else Or(parts)
    if name == "not":
        return Not(_read(value))
    found = known_field(name)
    if not isinstance(value, Mapping):
        return condition(found, "=", value)
    if not value:
        raise InvalidInputError(f"filter: {name} wants a value or an operator, found {{}}")
    tests = tuple(condition(found, op, each) for op, each in value.items())
    return tests[0] if len(tests) == 1 else And(tests)


def _size(tree: Filter) -> int:
    if isinstance(tree, Condition):
        return 1
    return _size(tree.part) if isinstance(tree, Not) else 1 + sum(map(_size, tree.parts))


def condition(found: Field, op: object, value: Any) -> Filter:
    """Return one test, checked against what the field holds; raise InvalidInputError."""
    operator = _SPELLED.get(op, op) if isinstance(op, str) else op
    allowed = OPERATORS[found.kind]
    if operator not in allowed:
        raise InvalidInputError(f"filter: {found.name} ({found.kind}) takes {', '.join(allowed)}, found {shown(op)}")
    if operator == "in":
        if isinstance(value, (str, bytes, Mapping)) or not is_several(value):
            raise InvalidInputError(f"filter: {found.name} in: wanted a list of values, found {shown(value)}")
        many = list(islice(value, MAX_VALUES + 1))
        if len(many) > MAX_VALUES:
            raise InvalidInputError(f"filter: {found.name} in: more than {MAX_VALUES} values; ask in several calls")
        if found.kind == "time":
            return Or(tuple(_time(found, "=", each) for each in many))
        return Condition(found, "in", tuple(_checked(found, "=", each) for each in many))
    if operator == "!=":
        return Not(condition(found, "=", value))
    if found.kind == "time" and value is not None:
        return _time(found, operator, value)
    if value is None and operator != "=":
        raise InvalidInputError(f"filter: {found.name} {operator}: wanted a value, found None")
    return Condition(found, operator, _checked(found, operator, value))


def _checked(found: Field, op: Any, value: Any) -> Any:
    """Return a value of the type the field holds, or raise InvalidInputError."""
    if value is None:
        return None
    wanted: dict[Kind, tuple[type, ...]] = {
        "text": (str,),
        "texts": (str,),
        "number": (int, float),
        "boolean": (bool,),
        "any": (str, int, float, bool),
        "time": (),
    }
    wrong = not isinstance(value, wanted[found.kind]) or (found.kind == "number" and isinstance(value, bool))
    if op in ("gt", "gte", "lt", "lte"):
        wrong = wrong or isinstance(value, bool)
    if op == "like":
        wrong = wrong or not isinstance(value, str) or len(value) > MAX_PATTERN
    if wrong:
        kind = {"texts": "a text", "any": "a text, number or boolean"}.get(found.kind, f"a {found.kind}")
        raise InvalidInputError(f"filter: {found.name} {op}: wanted {kind}, found {shown(value)}")
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        raise InvalidInputError(f"filter: {found.name} {op}: {shown(value)} is more than 64 bits; no memory has it")
    check_json(value, f"filter: {found.name}")
    choices = {"memory_type": MEMORY_TYPES, "status": STATUSES}.get(found.name)
    if choices is not None and op == "=" and value not in choices:
        raise InvalidInputError(f"filter: {found.name}: wanted one of {', '.join(choices)}, found {shown(value)}")
    return 0.0 if isinstance(value, float) and value == 0 else value  # -0.0 is 0, and not below it


def _time(found: Field, op: Operator, value: Any) -> Filter:
    """Return a test of a time in microseconds; a day without a time of day stands for all of it."""
    start = parse_time(value, f"filter: {found.name}")
    end = day_after(start) if _is_day(value) else start + 1
    at_least, below, beyond = Condition(found, "gte", start), Condition(found, "lt", end), Condition(found, "gte", end)
    if end == END:  # the last day there is has no next one; what is open ends with it
        below, beyond = Condition(found, "lte", END), Condition(found, "gt", END)
    tests: dict[str, Filter] = {
        "=": And((at_least, below)),
        "gte": at_least,
        "gt": beyond,
        "lt": Condition(found, "lt", start),
        "lte": below,
    }
    return tests[op]


def _is_day(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(r"\d{4}-\d{2}-\d{2}|\d{4}/\d{1,2}/\d{1,2}|\d{8}", value.strip()) is not None
    return isinstance(value, date) and not isinstance(value, datetime)
