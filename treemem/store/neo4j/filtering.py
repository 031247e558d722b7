"""A filter as Cypher over a State `s`: fixed fragments, every name and value a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treemem.filters import STATE_TIMES, And, Bounds, Condition, Filter, Not, Or
from treemem.store.neo4j import facts
from treemem.store.neo4j.rows import time
from treemem.temporal import END, END_TIME

_COMPARE = {"=": "=", "gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def compiled(bounds: Bounds, rest: Filter | None) -> tuple[str, str, dict[str, Any]]:
    """Return the in-index part and the rest, each as text to append to a WHERE, and their parameters."""
    tests = []
    parameters: dict[str, Any] = {}
    if bounds.memory_types is not None:
        tests.append("s.memory_type IN $given.types")
        parameters["types"] = list(bounds.memory_types)
    if bounds.valid_from is not None:
        tests.append("s.valid_from >= $given.starts_from")
        parameters["starts_from"] = time(min(bounds.valid_from, END))  # no state starts at END
    text = "" if rest is None else " AND " + _text(rest, parameters)
    return "".join(f" AND {test}" for test in tests), text, parameters


def predicate(tree: Filter | None, beside: Mapping[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
    """Return a whole filter as text to append to a WHERE, and its parameters with those `beside` which it stands."""
    parameters = dict(beside or {})
    text = "" if tree is None else " AND " + _text(tree, parameters)
    return text, parameters


def _text(tree: Filter, parameters: dict[str, Any]) -> str:
    if isinstance(tree, Not):
        return f"NOT {_text(tree.part, parameters)}"
    if isinstance(tree, (And, Or)):
        word, empty = ("AND", "true") if isinstance(tree, And) else ("OR", "false")
        return "(" + (f" {word} ".join(_text(part, parameters) for part in tree.parts) or empty) + ")"
    found = _of_info(tree, parameters) if tree.field.name.startswith(facts.INFO) else _of_field(tree, parameters)
    return f"coalesce({found}, false)"


def _of_field(test: Condition, parameters: dict[str, Any]) -> str:
    """Return the test of a field that every state may have, a property of its own."""
    value, wanted, kind = _value(test, parameters), test.value, test.field.kind
    if test.op == "in":
        some = _given([each for each in wanted if each is not None], parameters)
        return f"({value} IN {some}" + (f" OR {value} IS NULL)" if None in wanted else ")")
    if wanted is None:
        return f"{value} IS NULL"
    if test.op == "contains":
        given = _given(wanted, parameters)
        return f"{given} IN {value}" if kind == "texts" else f"{value} CONTAINS {given}"
    if test.op == "like":
        return f"{value} =~ {_given(like_pattern(wanted), parameters)}"
    if kind == "time":
        return _of_time(test, value, parameters)
    if kind == "text" and test.op != "=":
        value, wanted = f"coalesce({_ordered(test, parameters)}, {value})", facts.ordered(wanted)
    return f"{value} {_COMPARE[test.op]} {_given(wanted, parameters)}"


def _of_time(test: Condition, value: str, parameters: dict[str, Any]) -> str:
    """Return the test of a time. The day after the last one of year 9999 is no time; END stands for it."""
    if test.value > END:
        compare = "<=" if test.op == "lt" else ">"
        return f"{value} {compare} {_given(END_TIME, parameters)}"
    return f"{value} {_COMPARE[test.op]} {_given(time(test.value), parameters)}"


def _value(test: Condition, parameters: dict[str, Any]) -> str:
    found = test.field
    text = f"s[{_given(STATE_TIMES.get(found.name, found.name), parameters)}]"
    text = text if found.default is None else f"coalesce({text}, {_given(found.default, parameters)})"
    return f"({text} + 0.0)" if found.kind == "number" else text  # -0.0 is less than 0.0 in Cypher


def _of_info(test: Condition, parameters: dict[str, Any]) -> str:
    """Return the test of a key of `info`, which the state's facts spell."""
    name, wanted = test.field.name, test.value
    if test.op in ("=", "in"):
        many = wanted if test.op == "in" else (wanted,)
        spelled = [facts.fact(name, each) for each in many if each is not None]
        tests = [_some(f"fact IN {_given(spelled, parameters)}")] if spelled else []
        if None in many:
            tests.append("NOT " + _some(f"fact STARTS WITH {_given(facts.start(name), parameters)}"))
        return "(" + (" OR ".join(tests) or "false") + ")"
    begin = facts.start(name, facts.letter(wanted))
    begins = f"fact STARTS WITH {_given(begin, parameters)}"
    if test.op == "contains":
        member = f"fact = {_given(facts.fact(name, wanted, member=True), parameters)}"
        if not isinstance(wanted, str):
            return _some(member)
        inside = f"substring(fact, {_given(len(begin), parameters)}) CONTAINS {_given(wanted, parameters)}"
        return _some(f"{member} OR ({begins} AND {inside})")
    if test.op == "like":
        return _some(f"{begins} AND fact =~ {_given(like_pattern(wanted, begin), parameters)}")
    if isinstance(wanted, str):
        plain = f"head([fact IN s.facts WHERE {begins} | substring(fact, {_given(len(begin), parameters)})])"
        value = f"coalesce({_ordered(test, parameters)}, {plain})"
        return f"{value} {_COMPARE[test.op]} {_given(facts.ordered(wanted), parameters)}"
    return _some(f"{begins} AND fact {_COMPARE[test.op]} {_given(facts.fact(name, wanted), parameters)}")


def _some(passes: str) -> str:
    return f"any(fact IN coalesce(s.facts, []) WHERE {passes})"


def _ordered(test: Condition, parameters: dict[str, Any]) -> str:
    """Return the form of a text whose UTF-16 units sort as code points, null where that is the text itself."""
    begin = facts.start(test.field.name, facts.ORDERED)
    given, length = _given(begin, parameters), _given(len(begin), parameters)
    return f"head([fact IN s.facts WHERE fact STARTS WITH {given} | substring(fact, {length})])"


def like_pattern(like: str, before: str = "") -> str:
    """Return a LIKE pattern, after a literal text, as a regular expression of Java's that needs no backtracking.

    What stands between two `%` is found where it first occurs and never looked for again (an atomic group). That is
    enough: if a later place fits, the first one does. So the time grows with the text, not with a power of it.
    Every character but ASCII letters and digits is written as its number: a user's text is never part of the pattern.
    """
    first, *others = like.split("%")
    pattern = _literal(before) + _one(first)
    if others:
        pattern += "".join(f"(?>.*?{_one(part)})" for part in others[:-1] if part) + ".*" + _one(others[-1])
    return "(?s)" + pattern


def _one(part: str) -> str:
    return ".".join(_literal(text) for text in part.split("_"))


def _literal(text: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else f"\\x{{{ord(c):X}}}" for c in text)


def _given(value: Any, parameters: dict[str, Any]) -> str:
    """Add a parameter and return its name; the number of those before it makes the name a new one."""
    name = f"filter_{len(parameters)}"
    parameters[name] = value
    return "$given." + name
