"""What every parameter of a verb takes, by its name, and a class decorator that refuses anything else."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from treemem.checks import is_several, shown
from treemem.errors import InvalidInputError
from treemem.keywords import checked_names, names_of
from treemem.locations import is_address
from treemem.search.options import SearchOptions
from treemem.storable import half_character
from treemem.zones import reading_in, zone_of

T = TypeVar("T")
Kind = tuple[str, Callable[[Any], bool]]


def _or_none(kind: Kind) -> Kind:
    wanted, fits = kind
    return f"{wanted} or None", lambda value: value is None or fits(value)


def _many_words(value: Any) -> bool:
    return isinstance(value, str) or (is_several(value) and not isinstance(value, (bytes, type)))


#: What a parameter may be given, by kind: what is said of it in a refusal, and the test.
TEXT: Kind = ("a text", lambda value: isinstance(value, str))
NAME: Kind = (
    "a text without half characters (lone surrogates)",
    lambda value: isinstance(value, str) and not half_character(value),
)
FLAG: Kind = ("True or False", lambda value: isinstance(value, bool))
COUNT: Kind = ("a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool))
NUMBER: Kind = ("a number", lambda value: isinstance(value, (int, float)) and not isinstance(value, bool))
WORDS: Kind = ("a text or several", _many_words)
MAPPING: Kind = ("a dict", lambda value: isinstance(value, Mapping))
FUNCTION: Kind = ("a function", callable)
FOLDER: Kind = (
    "a path",
    lambda value: isinstance(value, (str, Path)) and bool(str(value).strip()) and "\0" not in str(value),
)
#: What is looked at where it is used: times, filters, memories.
ELSEWHERE: Kind = ("anything", lambda value: True)
#: The kind of every parameter of a verb; one name is one thing in all of them.
KINDS: dict[str, Kind] = {
    "operation": NAME,
    **dict.fromkeys(("task_id", "kind"), TEXT),
    "stop": _or_none(("a threading.Event", lambda value: isinstance(value, threading.Event))),
    **dict.fromkeys(("memory_id", "source", "target", "name", "query", "question", "mode", "dedup"), TEXT),
    **dict.fromkeys(("direction", "library"), TEXT),
    **dict.fromkeys(("operation_id", "actor", "reason", "conversation_id", "cursor", "root", "below"), _or_none(TEXT)),
    **dict.fromkeys(("user_id", "session_id"), _or_none(NAME)),
    **dict.fromkeys(("replay", "orphans", "directed", "include_superseded", "explain", "everything"), FLAG),
    **dict.fromkeys(("group", "walled", "merge", "reembed", "once", "every_cube", "flat"), FLAG),
    **dict.fromkeys(("dry_run", "again"), FLAG),
    **dict.fromkeys(("ask", "confirm"), _or_none(FLAG)),
    "stream": FLAG,
    "remember": ("a text, True or False", lambda value: isinstance(value, (str, bool))),
    "system": _or_none(NAME),
    "token_budget": COUNT,
    "llm": _or_none(("a language model with a method ask", lambda value: callable(getattr(value, "ask", None)))),
    "limit": _or_none(COUNT),
    **dict.fromkeys(("top_k", "max_nodes", "neighbours", "size", "keep_last_n", "threads"), COUNT),
    **dict.fromkeys(("preferences", "tools"), COUNT),
    **dict.fromkeys(("topic", "polarity", "reasoning", "user"), _or_none(TEXT)),
    "text": TEXT,
    "schema": MAPPING,
    "evidence": WORDS,
    "about": _or_none(WORDS),
    "readers": WORDS,
    "times": COUNT,
    **dict.fromkeys(("steps", "examples"), ELSEWHERE),
    "everyone": FLAG,
    "description": TEXT,
    "apply": FLAG,
    "depth": _or_none(COUNT),
    **dict.fromkeys(("weight", "confidence", "least", "interval", "wait", "timeout", "max_tokens"), NUMBER),
    **dict.fromkeys(("relativity", "budget"), _or_none(NUMBER)),
    **dict.fromkeys(("ids", "statuses", "bookmarks"), WORDS),
    **dict.fromkeys(("types", "memory_types", "kinds", "cubes", "group_ids", "status"), _or_none(WORDS)),
    "knowledge_bases": _or_none(WORDS),
    **dict.fromkeys(("limits", "capacity", "expiry", "properties", "payload"), _or_none(MAPPING)),
    **dict.fromkeys(("count_tokens", "clock"), FUNCTION),
    "progress": _or_none(FUNCTION),
    "options": _or_none(("SearchOptions", lambda value: isinstance(value, SearchOptions))),
    **dict.fromkeys(("folder", "path"), FOLDER),
    "format": _or_none(TEXT),
    "backups": _or_none(FOLDER),
    **dict.fromkeys(("as_of", "known_at", "known_at_1", "known_at_2", "at", "until", "since", "when"), ELSEWHERE),
    **dict.fromkeys(("memories", "messages", "new", "type", "filter", "plan", "conversation", "on_error"), ELSEWHERE),
    **dict.fromkeys(("before", "after", "documents", "events", "graph", "message"), ELSEWHERE),
}


def checked_verbs(owner: type[T]) -> type[T]:
    """Return a class whose public verbs refuse, before anything else, arguments that are not of their parameter's kind.

    A parameter without a kind is a mistake of ours: KeyError when the class is made.
    """
    for name, verb in inspect.getmembers(owner, inspect.isfunction):
        if not name.startswith("_") and name not in ("open", "close"):
            setattr(owner, name, _checked(name, verb))
    return checked_names(owner, ("__init__", "open"))


def _found(value: Any) -> str:
    """Return a value as an error shows it: what may be an address with a password in it only by its type."""
    text = shown(value)
    if "://" in text or (isinstance(value, str) and is_address(value)):
        return f"a {type(value).__name__} that is meant for a server, and is not shown"
    return text


def _checked(name: str, verb: Callable[..., Any]) -> Callable[..., Any]:
    given = list(inspect.signature(verb).parameters.values())[1:]
    named = [p for p in given if p.kind is not p.VAR_KEYWORD]
    kinds = {p.name: KINDS[p.name] for p in named}
    order = [p.name for p in named if p.kind is p.POSITIONAL_OR_KEYWORD]
    # What goes on to another verb is checked as there; free fields of a memory are checked with it.
    forwards = any(p.kind is p.VAR_KEYWORD and p.name in ("search", "plan") for p in given)
    others = KINDS if forwards else {}
    optional = {p.name for p in named if p.default is None}
    check_names = names_of(name, verb)

    @functools.wraps(verb)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        check_names(args, kwargs)
        for parameter, value in (*zip(order, args, strict=False), *kwargs.items()):
            wanted, fits = kinds.get(parameter) or others.get(parameter, ELSEWHERE)
            if not fits(value) and not (value is None and parameter in optional):
                raise InvalidInputError(f"{parameter}: {name} wants {wanted}, found {_found(value)}")
        with reading_in(zone_of(self.zone)):
            return verb(self, *args, **kwargs)

    return call
