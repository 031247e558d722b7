"""Calls of tools among the messages of a conversation, and how each ended, in whatever form they were added.

How a call ended is read from data alone: from `is_error`, a `status`, an exit code, or fields of a result that is JSON
which name an error. Words of a result are not judged: a result that names no error counts as done. A call to which no
result came has no known end. The names of these fields are data (`tools.toml`).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from treemem.records import LoggedMessage
from treemem.storable import cleaned

#: What a tool may be called; a call of another name is no call.
NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
#: Characters of a result that are read as JSON.
_LONGEST_RESULT = 1_000_000


@dataclass(slots=True)
class Call:
    """One call of a tool: the message that it stands in, that of its result, and whether it failed.

    `failed` is None where no result came. `arguments` are their names and values, empty where they are none. `asked_id`
    is the word of a user that the call comes after, `number` which of its message's calls it is, `result` what came.
    """

    name: str
    arguments: Mapping[str, Any]
    message_id: str
    result_id: str | None = None
    failed: bool | None = None
    asked_id: str | None = None
    number: int = 0
    result: Any = None


@cache
def rules() -> Mapping[str, frozenset[str]]:
    """Return the names by which results tell how their call ended, and those of arguments that are secret."""
    told = tomllib.loads((files("treemem.ingest") / "tools.toml").read_text("utf-8"))
    return {name: frozenset(words) for name, words in told.items()}


def calls_of(messages: Iterable[LoggedMessage]) -> Iterator[list[Call]]:
    """Yield the calls between one word of a user and the next, in order, with how they ended."""
    turn: list[Call] = []
    waiting: dict[str, Call] = {}
    asked: str | None = None
    for message in messages:
        for answer, result, failed in _answered(message):
            answered = waiting.pop(answer, None)
            if answered is not None:
                answered.result_id, answered.result, answered.failed = message.id, result, failed
        if message.role == "user" and message.content:
            if turn:
                yield turn
            turn, waiting, asked = [], {}, message.id
        for number, (key, name, arguments) in enumerate(_called(message)):
            call = Call(name, arguments, message.id, asked_id=asked, number=number)
            turn.append(call)
            waiting[key or f"name:{name}"] = call
    if turn:
        yield turn


def _called(message: LoggedMessage) -> Iterator[tuple[str | None, str, Mapping[str, Any]]]:
    """Yield the calls of a message: the key by which its result comes, the name, the arguments."""
    extra = message.extra
    several = [*_dicts(extra.get("tool_calls")), *_dicts(extra.get("parts"))]
    several += [{"function": extra["function_call"]}] if isinstance(extra.get("function_call"), dict) else []
    several += [dict(extra)] if extra.get("type") == "function_call" else []
    for each in several:
        if str(each.get("type", "")).endswith(("_result", "_output", "_response")):
            continue
        inner = next(
            (each[k] for k in ("function", "functionCall", "function_call") if isinstance(each.get(k), dict)), each
        )
        name = inner.get("name")
        given = next((inner[k] for k in ("arguments", "args", "input") if k in inner), None)
        if inner is each and given is None:
            continue  # a part of another kind
        if isinstance(name, str) and NAME.fullmatch(name):
            key = each.get("call_id") or each.get("id")
            yield key if isinstance(key, str) else None, name, _arguments(given)


def answers_calls(role: str, extra: Mapping[str, Any]) -> bool:
    """Return whether a message has results of tools."""
    return role == "tool" or any(_key_of(each) is not None for each in _dicts(extra.get("parts")))


def _answered(message: LoggedMessage) -> Iterator[tuple[str, Any, bool]]:
    """Yield the results in a message: the key of the call, what came, and whether the call failed."""
    extra = message.extra
    parts = [each for each in _dicts(extra.get("parts")) if _key_of(each) is not None]
    if message.role != "tool" and not parts:
        return
    for each in parts:
        response = each.get("functionResponse", each.get("function_response"))
        said = response.get("response") if isinstance(response, dict) else None
        key = _key_of(each)
        assert key is not None
        result = message.content if len(parts) == 1 and said is None else said
        yield key, result, _failed(each, result)
    if not parts:
        key = next((extra[k] for k in ("tool_call_id", "call_id") if isinstance(extra.get(k), str)), None)
        name = extra.get("name")
        if key is not None or isinstance(name, str):
            yield key or f"name:{name}", message.content, _failed(extra, message.content)


def _key_of(part: Mapping[str, Any]) -> str | None:
    """Return the key of the call that a part answers, None for a part of another kind."""
    if isinstance(part.get("tool_use_id"), str):
        return str(part["tool_use_id"])
    response = part.get("functionResponse", part.get("function_response"))
    if not isinstance(response, dict):
        return None
    key, name = response.get("id"), response.get("name")
    return key if isinstance(key, str) else f"name:{name}" if isinstance(name, str) else None


def _failed(said: Mapping[str, Any], result: Any) -> bool:
    """Return whether a result says that its call failed, beside it or in it."""
    beside = {name: said[name] for name in said.keys() & {"is_error", "isError", "status"}}
    result = as_json(result)
    return _says_so(beside) or (isinstance(result, Mapping) and _says_so(result))


def as_json(result: Any) -> Any:
    """Return what a result that is a JSON object says, every other one as it is."""
    if isinstance(result, str) and result.lstrip()[:1] == "{" and len(result) <= _LONGEST_RESULT:
        try:
            return cleaned(json.loads(result))
        except (ValueError, RecursionError):
            return result
    return result


def _says_so(result: Mapping[str, Any]) -> bool:
    told = {str(name).casefold(): value for name, value in result.items()}
    names = rules()
    return (
        any(told.get(name) for name in names["errors"])
        or any(told.get(name) is True for name in names["raised"])
        or str(told.get("status", "")).casefold() in names["failed"]
        or any(told.get(name) is False for name in names["flags"])
        or any(isinstance(told.get(name), int) and told[name] != 0 for name in names["codes"])
    )


def _arguments(given: Any) -> Mapping[str, Any]:
    if isinstance(given, str) and len(given) <= _LONGEST_RESULT:
        try:
            given = cleaned(json.loads(given))
        except (ValueError, RecursionError):
            return {}
    return given if isinstance(given, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
