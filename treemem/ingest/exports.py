"""Chats as programs export them, read as conversations of plain messages (see `treemem.ingest.chat`).

ChatGPT, Claude, Telegram, Slack, WhatsApp, OpenAI's JSON Lines for fine-tuning, LangChain's messages, and plain ones.
What a message says, who says it and when is taken; an id or a number of the program makes a second import exact.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from treemem.canonical import canonical_json
from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.ids import derived_id
from treemem.ingest import langchain
from treemem.ingest.described import described
from treemem.ingest.opening import TIMED, Files, opened


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation of an export. `exact` is whether it is all there ever will be, so that it may come again whole."""

    id: str
    messages: Sequence[Mapping[str, Any]]
    exact: bool = False


def read_export(path: Path, format: str = "auto", known: Iterable[str] = ()) -> tuple[str, list[Chat]]:
    """Return the format of an exported file and its conversations, or raise InvalidInputError, which lists what is
    `known` to whoever asks.
    """
    if format != "auto" and format not in READERS:
        raise InvalidInputError(f"format: wanted auto, {', '.join(READERS)}, found {shown(format)}")
    data = opened(path)
    for name, (fits, read) in READERS.items():
        if format not in (name, "auto"):
            continue
        value = _of_files(data, name, path)
        fitting = fits(value)
        if format == name or fitting:
            why = "no message is in it"
            try:
                chats = [chat for chat in read(value, path.stem) if chat.messages]
                if chats or fitting:
                    return name, chats
            except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
                why = f"a part of it cannot be read, {type(error).__name__}: {shown(str(error))}"
            told = f"{path}: wanted an export of {name}, found {described(data)}"
            raise InvalidInputError(f"{told} ({why})" if fitting else told)
    raise InvalidInputError(
        f"{path}: wanted a file of {', '.join(known or READERS)}, found {described(data)}; say with format= (--format) "
        "which of them it is, or write JSON Lines of messages with role and content"
    )


#: The files in a folder or a ZIP archive in which an export has its conversations.
_FILES = {
    "chatgpt": re.compile(r"conversations(?:[-_]\d+)?\.json"),
    "claude": re.compile(r"conversations(?:[-_]\d+)?\.json"),
    "telegram": re.compile(r"result\.json"),
}


def _of_files(data: Any, name: str, path: Path) -> Any:
    """Return the JSON that a folder or a ZIP archive has for a format: of its files, or of the only one there is."""
    if not isinstance(data, Files) or name in _WHOLE:
        return data
    wanted = _FILES.get(name)
    files = [file for file in data if wanted is not None and wanted.fullmatch(file.split("/")[-1])]
    try:
        values = [data.value(file) for file in files or (data if len(data) == 1 else ())]
    except (ValueError, RecursionError) as error:
        if files:
            raise InvalidInputError(f"{path}: {', '.join(files)}: no JSON ({shown(str(error))})") from error
        return data
    if len(values) == 1:
        return values[0]
    return [each for value in values for each in value] if all(isinstance(v, list) for v in values) else data


# ---- ChatGPT: a tree of messages, of which the branch that ends with the current node was said


def _is_chatgpt(data: Any) -> bool:
    return _all(data, lambda each: isinstance(each, Mapping) and isinstance(each.get("mapping"), Mapping))


def _chatgpt(data: Any, name: str) -> Iterator[Chat]:
    for talk in data:
        nodes, branch = talk["mapping"], []
        at, seen = talk.get("current_node") or _last_leaf(nodes), set()
        while at in nodes and at not in seen:
            seen.add(at)
            branch.append(nodes[at].get("message"))
            at = nodes[at].get("parent")
        messages = [_of_chatgpt(each) for each in reversed(branch) if each]
        yield Chat(str(talk.get("conversation_id") or talk.get("id") or talk["title"]), [m for m in messages if m])


def _last_leaf(nodes: Mapping[str, Any]) -> str | None:
    return next((key for key in reversed(list(nodes)) if not nodes[key].get("children")), None)


def _of_chatgpt(message: Mapping[str, Any]) -> dict[str, Any] | None:
    content = message.get("content") or {}
    parts = content.get("parts") or ([content["text"]] if content.get("text") else [])
    if (message.get("metadata") or {}).get("is_visually_hidden_from_conversation"):
        return None
    said = [part if isinstance(part, str) else {"type": "part", "part": part} for part in parts]
    author = message["author"]
    named = {"name": author["name"]} if author.get("name") else {}
    return {
        "id": message["id"],
        "role": author["role"],
        "content": said,
        "chat_time": message.get("create_time"),
        **named,
    }


# ---- Claude


def _is_claude(data: Any) -> bool:
    return _all(data, lambda each: isinstance(each, Mapping) and isinstance(each.get("chat_messages"), list))


def _claude(data: Any, name: str) -> Iterator[Chat]:
    for talk in data:
        yield Chat(str(talk["uuid"]), [_of_claude(message) for message in talk["chat_messages"]])


def _of_claude(message: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: message[key] for key in ("attachments", "files") if message.get(key)}
    return {
        "id": message["uuid"],
        "role": {"human": "user"}.get(message["sender"], message["sender"]),
        "content": message.get("content") or message.get("text"),
        "chat_time": message.get("created_at"),
        **kept,
    }


# ---- Telegram


def _is_telegram(data: Any) -> bool:
    if not isinstance(data, Mapping):
        return False
    chats = _telegram_chats(data)
    return (
        bool(chats)
        and all(isinstance(c, Mapping) and isinstance(c.get("messages"), list) for c in chats)
        and any("from" in m or "date_unixtime" in m for c in chats for m in c["messages"] if isinstance(m, Mapping))
    )


def _telegram_chats(data: Mapping[str, Any]) -> list[Any]:
    chats = data.get("chats")
    return list(chats.get("list") or ()) if isinstance(chats, Mapping) else [data] if "messages" in data else []


def _telegram(data: Any, name: str) -> Iterator[Chat]:
    for chat in _telegram_chats(data):
        said = [m for m in chat["messages"] if m.get("type", "message") == "message"]
        yield Chat(f"telegram-{chat.get('id') or chat.get('name') or name}", [_of_telegram(m) for m in said])


def _of_telegram(message: Mapping[str, Any]) -> dict[str, Any]:
    text = message.get("text") or ""
    if isinstance(text, list):
        text = "".join(part if isinstance(part, str) else str(part.get("text", "")) for part in text)
    kept = {key: message[key] for key in ("photo", "file", "media_type", "reply_to_message_id") if message.get(key)}
    return {
        "role": "user",
        "name": message.get("from") or message.get("actor") or "unknown",
        "content": text,
        "chat_time": message.get("date_unixtime") or message.get("date"),
        "sequence": int(message["id"]),
        **kept,
    }


# ---- Slack: a folder or a ZIP with a folder a channel and a file a day, or one such file


def _is_slack(data: Any) -> bool:
    if isinstance(data, Files):
        return any(re.fullmatch(r"(?:.*/)?\d{4}-\d\d-\d\d\.json", file) for file in data)
    return _all(data, lambda each: isinstance(each, Mapping) and "ts" in each and "type" in each)


def _slack(data: Any, name: str) -> Iterator[Chat]:
    if not isinstance(data, Files):
        yield Chat(f"slack-{name}", _of_slack(data, {}))
        return
    users = next((text for file, text in data.items() if file.split("/")[-1] == "users.json"), "[]")
    listed: list[Any] = json.loads(users)
    names = {u["id"]: (u.get("profile") or {}).get("real_name") or u.get("name") for u in listed}
    channels: dict[str, list[Any]] = {}
    for file in sorted(data):
        folder, _, day = file.rpartition("/")
        if re.fullmatch(r"\d{4}-\d\d-\d\d\.json", day):
            channels.setdefault(folder.split("/")[-1] or name, []).extend(json.loads(data[file]))
    for channel, messages in channels.items():
        yield Chat(f"slack-{channel}", _of_slack(messages, names))


def _of_slack(messages: Sequence[Any], names: Mapping[str, str]) -> list[dict[str, Any]]:
    found = []
    for message in sorted(messages, key=lambda each: float(each["ts"])):
        if message.get("subtype") in ("channel_join", "channel_leave", "channel_topic", "channel_purpose"):
            continue
        who = message.get("user") or message.get("bot_id") or "unknown"
        name = (message.get("user_profile") or {}).get("real_name") or names.get(who) or message.get("username") or who
        text = re.sub(r"<@(\w+)>", lambda m: f"@{names.get(m[1], m[1])}", message.get("text") or "")
        role = "assistant" if message.get("bot_id") else "user"
        kept = {key: message[key] for key in ("thread_ts", "files", "reactions") if message.get(key)}
        found.append({"role": role, "name": name, "content": text, "chat_time": message["ts"], **kept})
    return found


# ---- WhatsApp: one text, a line a message, lines without a time go on with the message before


def _is_whatsapp(data: Any) -> bool:
    if isinstance(data, Files):
        return any(_is_whatsapp(text) for file, text in data.items() if file.endswith(".txt"))
    lines = [line for line in data[:20_000].split("\n")[:20] if line.strip()] if isinstance(data, str) else []
    return sum(TIMED.match(line) is not None for line in lines) * 2 >= max(1, len(lines)) and bool(lines)


def _whatsapp(data: Any, name: str) -> Iterator[Chat]:
    if isinstance(data, Files):
        for file, text in data.items():
            if file.endswith(".txt") and _is_whatsapp(text):
                yield from _whatsapp(text, name if len(data) == 1 else file.removesuffix(".txt"))
        return
    rows: list[tuple[tuple[str | None, ...], str, list[str]]] = []
    for line in data.split("\n"):
        match = TIMED.match(line.removesuffix("\r"))
        if match is None:
            if rows:
                rows[-1][2].append(line.removesuffix("\r"))
            continue
        who, colon, text = match[8].lstrip("\u200e").partition(": ")
        if not colon and who.endswith(":"):
            who, colon = who[:-1], ":"
        rows.append((match.groups()[:7], who if colon else "", [text if colon else who]))
    order = _day_order([row[0] for row in rows])
    said = [
        (_whatsapp_time(at, order), who, "\n".join(text).strip("\u200e\n"))
        for at, who, text in rows
        if who.strip()  # a line of nobody tells what the program did
    ]
    messages = [{"role": "user", "name": who, "content": text, "chat_time": at} for at, who, text in said]
    yield Chat(f"whatsapp-{name}", messages)


def _day_order(times: Sequence[tuple[str | None, ...]]) -> str:
    """Return in which order a file writes day, month and year: "dmy", "mdy" or "ymd"."""
    firsts, seconds = [int(t[0] or 0) for t in times], [int(t[1] or 0) for t in times]
    if any(n > 31 for n in firsts):
        return "ymd"
    if any(n > 12 for n in firsts):
        return "dmy"
    if any(n > 12 for n in seconds):
        return "mdy"
    return "mdy" if any(t[6] for t in times) else "dmy"


def _whatsapp_time(parts: tuple[str | None, ...], order: str) -> str:
    said = dict(zip(order, (int(part or 0) for part in parts[:3]), strict=True))
    year = said["y"] + 2_000 if said["y"] < 100 else said["y"]
    hour, minute, second = (int(part or 0) for part in parts[3:6])
    if parts[6]:
        hour = hour % 12 + (12 if parts[6] in "Pp" else 0)
    return f"{year:04}-{said['m']:02}-{said['d']:02}T{hour:02}:{minute:02}:{second:02}"


# ---- JSON Lines for fine-tuning: a conversation a line


def _is_finetuning(data: Any) -> bool:
    if isinstance(data, Mapping) and langchain.histories(data, "") is not None:
        return False  # a state, which grows
    many = (data,) if isinstance(data, Mapping) else data
    return _all(many, lambda each: isinstance(each, Mapping) and isinstance(each.get("messages"), list))


def _finetuning(data: Any, name: str) -> Iterator[Chat]:
    for line in (data,) if isinstance(data, Mapping) else data:
        yield Chat(derived_id("conversation", canonical_json(line["messages"])), line["messages"], exact=True)


# ---- messages of LangChain, OpenAI and so on, or plain ones: a list, or one a line


def _is_messages(data: Any) -> bool:
    plain = _all(data, lambda each: isinstance(each, Mapping) and bool(each.keys() & {"role", "type", "content"}))
    return plain or langchain.histories(data, "") is not None


def _messages(data: Any, name: str) -> Iterator[Chat]:
    found = langchain.histories(data, name)
    if found is None and not isinstance(data, (list, tuple)):
        if not isinstance(data, Mapping) or not data.keys() & {"role", "content"}:
            raise TypeError("no list of messages")
        data = [data]
    for talk, messages in {name: list(data)}.items() if found is None else found.items():
        yield Chat(talk, messages)


def _all(data: Any, fits: Callable[[Any], bool]) -> bool:
    return isinstance(data, (list, tuple)) and len(data) > 0 and all(map(fits, data))


#: What each format is.
ABOUT = {
    "chatgpt": "ChatGPT's export: conversations.json, or the ZIP archive",
    "claude": "Claude's export: conversations.json, or the ZIP archive",
    "telegram": "Telegram Desktop's result.json, or its folder",
    "slack": "Slack's export: the ZIP archive, or its folder",
    "whatsapp": "WhatsApp's text of a chat, of Android and of iOS",
    "finetuning": "OpenAI's JSON Lines for fine-tuning",
    "messages": "messages of OpenAI, Anthropic or LangChain, as JSON or JSON Lines; histories and states of LangChain",
}
#: Those that are read of all files of a folder or a ZIP archive.
_WHOLE = frozenset({"slack", "whatsapp"})
#: How each format is recognised and read, the most telling first.
READERS: dict[str, tuple[Callable[[Any], bool], Callable[[Any, str], Iterator[Chat]]]] = {
    "chatgpt": (_is_chatgpt, _chatgpt),
    "claude": (_is_claude, _claude),
    "telegram": (_is_telegram, _telegram),
    "slack": (_is_slack, _slack),
    "whatsapp": (_is_whatsapp, _whatsapp),
    "finetuning": (_is_finetuning, _finetuning),
    "messages": (_is_messages, _messages),
}
