"""Calls of tools among the messages of a conversation, and how each ended, in whatever form they were added.

How a call ended is read from data alone: from `is_error`, a `status`, an exit code, or fields of a result that is JSON
which name an error. Words of a result are not judged: a result that names no error counts as done. A call to which no
result came has no known end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from treemem.records import LoggedMessage

#: What a tool may be called; a call of another name is no call.
_NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
#: What a status says of a call that failed.
_FAILED = frozenset({"error", "failed", "failure", "incomplete", "cancelled", "canceled", "timeout"})
#: The flags of a result that say so by being false, and the codes that say so by being other than 0.
_FLAGS, _CODES = ("success", "ok", "succeeded"), ("exit_code", "exitcode", "returncode", "return_code")
#: Characters of a result that are read as JSON.
_LONGEST_RESULT = 1_000_000


@dataclass(slots=True)
class Call:
    """One call of a tool: the message that it stands in, that of its result, and whether it failed.

    `failed` is None where no result came. `arguments` are their names and values, empty where they are none.
    """

    name: str
    arguments: Mapping[str, Any]
    message_id: str
    result_id: str | None = None
    failed: bool | None = None


def calls_of(messages: Iterable[LoggedMessage]) -> Iterator[list[Call]]:
    """Yield the calls between one word of a user and the next, in order, with how they ended."""
    turn: list[Call] = []
    waiting: dict[str, Call] = {}
    for message in messages:
        if message.role == "user" and message.content:
            if turn:
                yield turn
            turn, waiting = [], {}
        for key, name, arguments in _called(message):
            call = Call(name, arguments, message.id)
            turn.append(call)
            waiting[key or f"name:{name}"] = call
        for key, failed in _answered(message):
            answered = waiting.pop(key, None)
            if answered is not None:
                answered.result_id, answered.failed = message.id, failed
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
        if isinstance(name, str) and _NAME.fullmatch(name):
            key = each.get("call_id") or each.get("id")
            yield key if isinstance(key, str) else None, name, _arguments(given)


def _answered(message: LoggedMessage) -> Iterator[tuple[str, bool]]:
    """Yield the results in a message: the key of the call, and whether it failed."""
    extra = message.extra
    parts = [each for each in _dicts(extra.get("parts")) if _key_of(each) is not None]
    if message.role != "tool" and not parts:
        return
    for each in parts:
        response = each.get("functionResponse", each.get("function_response"))
        said = response.get("response") if isinstance(response, dict) else None
        key = _key_of(each)
        assert key is not None
        yield key, _failed(each, message.content if len(parts) == 1 and said is None else said)
    if not parts:
        key = next((extra[k] for k in ("tool_call_id", "call_id") if isinstance(extra.get(k), str)), None)
        name = extra.get("name")
        if key is not None or isinstance(name, str):
            yield key or f"name:{name}", _failed(extra, message.content)


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
    if said.get("is_error") is True or str(said.get("status", "")).casefold() in _FAILED:
        return True
    if isinstance(result, str) and result.lstrip()[:1] == "{" and len(result) <= _LONGEST_RESULT:
        try:
            result = json.loads(result)
        except (ValueError, RecursionError):
            return False
    if not isinstance(result, Mapping):
        return False
    told = {str(name).casefold(): value for name, value in result.items()}
    return (
        bool(told.get("error") or told.get("errors") or told.get("is_error") is True)
        or str(told.get("status", "")).casefold() in _FAILED
        or any(told.get(name) is False for name in _FLAGS)
        or any(isinstance(told.get(name), int) and told[name] != 0 for name in _CODES)
    )


def _arguments(given: Any) -> Mapping[str, Any]:
    if isinstance(given, str) and len(given) <= _LONGEST_RESULT:
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {}
    return given if isinstance(given, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
