"""Calls of tools among the messages of a conversation, and how each ended, in whatever form they were added.

How a call ended is read from data alone: from `is_error`, a `status`, an exit code, or fields of a result that is JSON
which name an error. Words of a result are not judged: a result that names no error counts as done. A call to which no
result came has no known end. The names of these fields are data (`tools.toml`).
"""

from __future__ import annotations

import json
import re
import tomllib
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from treemem.records import LoggedMessage
from treemem.storable import cleaned

#: What a tool may be called; a call of another name is no call.
NAME = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
#: Characters of a result that are read as JSON.
_LONGEST_RESULT = 1_000_000
#: Characters of a code that is a text.
_LONGEST_CODE = 20


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


@dataclass(slots=True)
class _Waiting:
    """The calls of a turn that no result came to, by the key that they have and by name, each in the order of calls.

    `late` are those of earlier turns by their keys: a result may come when the user has spoken on.
    """

    keyed: dict[str, deque[Call]] = field(default_factory=lambda: defaultdict(deque))
    named: dict[str, deque[Call]] = field(default_factory=lambda: defaultdict(deque))
    late: dict[str, deque[Call]] = field(default_factory=lambda: defaultdict(deque))

    def next_turn(self) -> None:
        """Begin a turn: only a key leads to a call of an earlier one."""
        for key, calls in self.keyed.items():
            self.late[key].extend(calls)
        self.keyed, self.named = defaultdict(deque), defaultdict(deque)

    def add(self, call: Call, key: str | None) -> None:
        if key is not None:
            self.keyed[key].append(call)
        self.named[call.name].append(call)

    def answered(self, key: str | None, name: str | None) -> Call | None:
        """Return the first call that waits for a result of this key, or of this name where the result has no key."""
        several = [self.named.get(name or "")] if key is None else [self.keyed.get(key), self.late.get(key)]
        for calls in several:
            while calls:
                call = calls.popleft()
                if call.result_id is None:
                    return call
        return None


def calls_of(messages: Iterable[LoggedMessage]) -> list[list[Call]]:
    """Return the calls between one word of a user and the next, in order, with how they ended, turn by turn.

    Several calls of one key, or of one name where they have no keys, are answered in their order.
    """
    turns: list[list[Call]] = []
    turn: list[Call] = []
    waiting = _Waiting()
    asked: str | None = None
    for message in messages:
        for key, tool, result, failed in _answered(message):
            answered = waiting.answered(key, tool)
            if answered is not None:
                answered.result_id, answered.result, answered.failed = message.id, result, failed
        if message.role == "user" and message.content:
            turns += [turn] if turn else []
            turn, asked = [], message.id
            waiting.next_turn()
        for number, (key, name, arguments) in enumerate(_called(message)):
            call = Call(name, arguments, message.id, asked_id=asked, number=number)
            turn.append(call)
            waiting.add(call, key)
    return [*turns, turn] if turn else turns


def _called(message: LoggedMessage) -> Iterator[tuple[str | None, str, Mapping[str, Any]]]:
    """Yield the calls of a message: the key by which its result comes, the name, the arguments."""
    extra = message.extra
    several = [*_dicts(extra.get("tool_calls")), *_dicts(extra.get("parts"))]
    several += [{"function": extra["function_call"]}] if isinstance(extra.get("function_call"), dict) else []
    several += [dict(extra)] if is_call_item(extra.get("type")) else []
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


def is_call_item(kind: Any) -> bool:
    """Return whether an item of OpenAI's responses is a call of a tool that the program itself answers."""
    return kind in ("function_call", "custom_tool_call")


def answers_calls(role: str, extra: Mapping[str, Any]) -> bool:
    """Return whether a message has results of tools."""
    return role == "tool" or any(_key_of(each) is not None for each in _dicts(extra.get("parts")))


def _answered(message: LoggedMessage) -> Iterator[tuple[str | None, str | None, Any, bool]]:
    """Yield the results in a message: key of the call, name of the tool, what came, and whether the call failed."""
    extra = message.extra
    parts = [(key, each) for each in _dicts(extra.get("parts")) if (key := _key_of(each)) is not None]
    for key, each in parts:
        result = _result_in(each)
        if result is None and len(parts) == 1 and message.role == "tool":
            result = message.content  # all that it says
        yield *key, result, _failed(each, result)
    if not parts and message.role == "tool":
        key = next((extra[k] for k in ("tool_call_id", "call_id") if isinstance(extra.get(k), str)), None)
        name = extra.get("name")
        yield key, name if isinstance(name, str) else None, message.content, _failed(extra, message.content)


def _result_in(part: Mapping[str, Any]) -> Any:
    """Return what a part says that a tool answered, None where it says nothing."""
    response = part.get("functionResponse", part.get("function_response"))
    if isinstance(response, dict):
        return response.get("response")
    said = part.get("content")
    if isinstance(said, str):
        return said
    return "\n".join(each["text"] for each in _dicts(said) if isinstance(each.get("text"), str)) or None


def _key_of(part: Mapping[str, Any]) -> tuple[str | None, str | None] | None:
    """Return key and name of the call that a part answers, None for a part of another kind."""
    if isinstance(part.get("tool_use_id"), str):
        return part["tool_use_id"], None
    response = part.get("functionResponse", part.get("function_response"))
    if not isinstance(response, dict):
        return None
    key, name = response.get("id"), response.get("name")
    key, name = (each if isinstance(each, str) else None for each in (key, name))
    return None if key is None and name is None else (key, name)


def _failed(said: Mapping[str, Any], result: Any) -> bool:
    """Return whether a result says that its call failed, beside it or in it."""
    beside = {name: said[name] for name in said.keys() & {"is_error", "isError", "status"}}
    return _says_so(beside, "failed") or any(_says_so(each, "failed_within") for each in told_in(result))


def told_in(result: Any) -> list[Mapping[str, Any]]:
    """Return the objects that a result is made of: one, or those of a list."""
    told = as_json(result)
    return [each for each in (told if isinstance(told, list) else [told]) if isinstance(each, Mapping)]


def as_json(result: Any) -> Any:
    """Return what a result that is a JSON object or list says, every other one as it is."""
    if isinstance(result, str) and result.lstrip().startswith(("{", "[")) and len(result) <= _LONGEST_RESULT:
        try:
            return cleaned(json.loads(result))
        except (ValueError, RecursionError):
            return result
    return result


def _says_so(result: Mapping[str, Any], statuses: str) -> bool:
    told = {str(name).casefold(): value for name, value in result.items()}
    names = rules()
    return (
        any(told.get(name) for name in names["errors"])
        or any(told.get(name) is True for name in names["raised"])
        or str(told.get("status", "")).casefold() in names[statuses]
        or any(told.get(name) is False for name in names["flags"])
        or any(_is_other_than_0(told.get(name)) for name in names["codes"])
    )


def _is_other_than_0(code: Any) -> bool:
    """Return whether a code is a number, or the text of one, that is not 0."""
    if isinstance(code, str) and len(code) <= _LONGEST_CODE:
        try:
            code = float(code)
        except ValueError:
            return False
    return isinstance(code, int | float) and code != 0


def _arguments(given: Any) -> Mapping[str, Any]:
    if isinstance(given, str) and len(given) <= _LONGEST_RESULT:
        try:
            given = cleaned(json.loads(given))
        except (ValueError, RecursionError):
            return {}
    return given if isinstance(given, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
