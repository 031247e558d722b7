"""LangChain's messages and histories, as its classes and stores write them, read as plain messages.

A message is what `messages_to_dict` writes (`type` and `data`), what `dumpd` and `dumps` write (`lc`, `id`, `kwargs`),
or its fields alone. A history is a list of them or of their JSON texts, a state with `messages`, rows of a table with a
session each, or an object with a list a session.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: The types of messages, by the beginning of the names of their classes.
_TYPES = {"Human": "human", "AI": "ai", "System": "system", "Tool": "tool", "Function": "function", "Chat": "chat"}
#: What else their types are called: a piece of a stream has the name of its class.
_NAMED = {f"{name}Message{end}": kind for name, kind in _TYPES.items() for end in ("", "Chunk")}
_KINDS = frozenset({*_TYPES.values(), *_NAMED})
#: The roles that a ChatMessage may say; whoever else speaks in one is a user of that name.
_ROLES = frozenset("user human assistant ai model system developer tool function".split())
#: Where what LangGraph keeps of a thread has its state.
_STATES = ("values", "channel_values")
#: How tables call the session of a row and its message or messages.
_SESSIONS, _MESSAGES = ("session_id", "SessionId"), ("message", "History")


def unwrapped(message: Mapping[Any, Any]) -> Mapping[Any, Any]:
    """Return a message of LangChain's by its fields, any other as it is."""
    kind, inner, name = message.get("type"), message.get("data"), message.get("id")
    if "lc" in message and isinstance(message.get("kwargs"), Mapping) and isinstance(name, list) and name:
        kind = _NAMED.get(name[-1]) if isinstance(name[-1], str) else None
        message = {**message["kwargs"], "type": kind or message["kwargs"].get("type")}
    elif isinstance(kind, str) and kind in _KINDS | _ROLES and isinstance(inner, Mapping):
        message = {**inner, "type": kind}
    if not isinstance(kind, str) or kind not in _KINDS or ("role" in message and _NAMED.get(kind, kind) != "chat"):
        return message
    message = {**message, "type": _NAMED.get(kind, kind)}
    role = message.get("role")
    if message["type"] == "chat" and isinstance(role, str):
        fields = {n: v for n, v in message.items() if n != "type"}
        return fields if role in _ROLES else {**fields, "role": "user", "name": message.get("name") or role}
    return message


def is_message(value: Any) -> bool:
    """Return whether a value is a message of LangChain's, and of nobody else's."""
    if not isinstance(value, Mapping):
        return False
    if value.get("lc") is not None and value.get("type") == "constructor":
        return isinstance(value.get("kwargs"), Mapping)
    kind = value.get("type")
    told = isinstance(kind, str) and kind in _KINDS
    return (
        told
        and (isinstance(value.get("data"), Mapping) or "content" in value)
        and (kind == "chat" or "role" not in value)
    )


def histories(data: Any, name: str) -> dict[str, list[Any]] | None:
    """Return the messages of a history by conversation, None for what is none; `name` is that of one without any."""
    if isinstance(data, Mapping):
        for inner in (data.get(each) for each in _STATES):
            if isinstance(inner, Mapping) and "messages" in inner:
                data = inner
        if "messages" in data:
            found = data["messages"]
            return {name: list(found)} if _all_messages(found) else None
        if data and all(isinstance(key, str) and key.strip() for key in data) and all(map(_all_said, data.values())):
            return {key: _loaded(value) for key, value in data.items()}
        return None
    if not isinstance(data, Sequence) or isinstance(data, str) or not data:
        return None
    if all(isinstance(each, str) for each in data):
        return {name: _in_order(_loaded(data))} if _all_messages(_loaded(data)) else None
    return _of_rows(data)


def _of_rows(rows: Sequence[Any]) -> dict[str, list[Any]] | None:
    """Return the messages of rows of a table by session, in the order of the rows' numbers where they have some."""
    found: dict[str, list[Any]] = {}
    if all(isinstance(row, Mapping) and isinstance(row.get("id"), int) for row in rows):
        rows = sorted(rows, key=lambda row: int(row["id"]))
    for row in rows:
        if not isinstance(row, Mapping):
            return None
        session = next((row[each] for each in _SESSIONS if each in row), None)
        said = list(_said(row))
        if not isinstance(session, (str, int)) or not said or not all(map(_is_said, said)):
            return None
        found.setdefault(str(session), []).extend(said)
    return found


def _said(row: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the messages of a row, each with the row's number and time."""
    given = next((row[each] for each in _MESSAGES if each in row), None)
    loaded = _value(given)
    own = {"sequence": row["id"]} if isinstance(row.get("id"), int) and not isinstance(loaded, list) else {}
    if row.get("created_at") is not None:
        own["chat_time"] = row["created_at"]
    for each in loaded if isinstance(loaded, list) else [loaded]:
        message = _value(each)
        yield {**own, **unwrapped(message)} if isinstance(message, Mapping) else message


def _in_order(messages: list[Any]) -> list[Any]:
    """Return messages as they were said. Redis has the newest first: then an answer begins them and a question ends."""
    asks = [unwrapped(message).get("type") in ("human", "system") for message in messages]
    return messages[::-1] if asks[-1] and not asks[0] else messages


def _loaded(values: Sequence[Any]) -> list[Any]:
    return [_value(each) for each in values]


def _value(value: Any) -> Any:
    """Return what a JSON text says, any other value as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _all_messages(found: Any) -> bool:
    return isinstance(found, Sequence) and not isinstance(found, str) and bool(found) and all(map(is_message, found))


def _all_said(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(map(_is_said, _loaded(found)))


def _is_said(value: Any) -> bool:
    """Return whether a value is a message, of LangChain's or with role and content."""
    return is_message(value) or (
        isinstance(value, Mapping) and isinstance(value.get("role"), str) and "content" in value
    )
