"""What Letta exports: agent files (`.af`, of both versions), and its API's passages, blocks and messages as JSON.

Blocks of core memory, passages of archival memory and files become memories, messages conversations. Prompts, tools and
settings of an agent are no memories; that they are left out is noted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from treemem.canonical import canonical_json
from treemem.checks import shown
from treemem.errors import InvalidInputError, TreememError
from treemem.exchange.facts import told
from treemem.exchange.graph import Refused
from treemem.ids import ID, derived_id
from treemem.ingest.exports import Chat
from treemem.storable import check_json, checked_text, half_character

Row = Mapping[str, Any]
#: What only a passage has beside its text.
_PASSAGE = frozenset({"archive_id", "embedding", "embedding_config", "file_id", "source_id", "is_deleted", "agent_id"})
#: What is said of a row and is no memory: vectors of others' models, and what nobody can use outside of Letta.
_NO_INFO = frozenset(
    "id text value label tags created_at embedding embedding_config content is_deleted template_name is_template "
    "template_id base_template_id deployment_id entity_id preserve_on_migration project_id hidden organization_id "
    "metadata metadata_".split()
)
#: Characters of a prompt that tell it.
_ENOUGH = 200
#: What the type of a message of the API says of who speaks, and where its text stands.
_SPEAKERS = {
    "user_message": ("user", "content"),
    "assistant_message": ("assistant", "content"),
    "system_message": ("system", "content"),
    "reasoning_message": ("assistant", None),
    "hidden_reasoning_message": ("assistant", None),
    "tool_call_message": ("assistant", None),
    "approval_request_message": ("assistant", None),
    "tool_return_message": ("tool", "tool_return"),
    "approval_response_message": ("tool", None),
    "summary_message": ("system", "summary"),
    "event_message": ("system", None),
}


def unpacked(data: Any) -> Any:
    """Return an agent file that was saved as a JSON text inside of JSON, as the API answers, as what it says."""
    if not isinstance(data, str) or not data.lstrip().startswith("{"):
        return data
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data


def fits(data: Any) -> bool:
    """Return whether the value of a JSON file is an agent file, or passages, blocks or messages of Letta's."""
    data = unpacked(data)
    if isinstance(data, Mapping):
        return (
            _is_agent_file(data)
            or _is_first_version(data)
            or (isinstance(data.get("agent_type"), str) and isinstance(_blocks_in(data), list))
            or (_mostly(data.get("passages"), _is_passage) and not data.keys() & {"nodes", "edges"})
        )
    return any(_mostly(data, each) for each in (_is_passage, _is_block, _is_api_message))


def _is_agent_file(data: Row) -> bool:
    agents, blocks = data.get("agents"), data.get("blocks")
    return isinstance(blocks, list) and (agents == [] or _mostly(agents, lambda each: isinstance(each, Mapping)))


def _is_first_version(data: Row) -> bool:
    return isinstance(data.get("core_memory"), list) and isinstance(data.get("messages"), list)


def _blocks_in(agent: Row) -> Any:
    memory = agent.get("memory")
    return memory.get("blocks") if isinstance(memory, Mapping) else None


def _is_passage(row: Any) -> bool:
    return isinstance(row, Mapping) and isinstance(row.get("text"), str) and bool(row.keys() & _PASSAGE)


def _is_block(row: Any) -> bool:
    return isinstance(row, Mapping) and row.keys() >= {"label", "value", "limit"}


def _is_api_message(row: Any) -> bool:
    kind = row.get("message_type") if isinstance(row, Mapping) else None
    return isinstance(kind, str) and kind in _SPEAKERS


def _mostly(found: Any, tells: Callable[[Any], bool]) -> bool:
    """Return whether at least half of a list's rows are of a kind: one that cannot be read is refused as a row."""
    return isinstance(found, list) and bool(found) and 2 * sum(map(tells, found)) >= len(found)


class Export:
    """Reads one file: `nodes` of a plain graph, `chats`, and `notes` of what was left out."""

    def __init__(self, data: Any, name: str, mine: tuple[str, str], refused: Refused) -> None:
        """`name` is that of an agent that has none; `mine` who imports, user and session."""
        self._mine, self._refused = mine, refused
        self._nodes: dict[str, dict[str, Any]] = {}
        self._noted: Counter[str] = Counter()
        self.chats: list[Chat] = []
        data = unpacked(data)
        if isinstance(data, list):
            self._list(data, name)
        elif isinstance(data, Mapping) and _is_agent_file(data):
            self._agent_file(data, name)
        elif isinstance(data, Mapping) and fits(data):
            self._agent(data, name)
        else:
            raise InvalidInputError(f"wanted an agent file, or passages, blocks or messages, found {shown(data)}")

    def plain(self) -> dict[str, Any]:
        """Return all memories as a plain graph of this library."""
        return {"treemem": True, "nodes": list(self._nodes.values()), "edges": []}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out or read as something else, with how often."""
        return told(self._noted)

    def _note(self, what: str, count: int = 1) -> None:
        if count:
            self._noted[what] += count

    def _list(self, rows: list[Any], name: str) -> None:
        if _mostly(rows, _is_passage):
            self._passages(rows)
        elif _mostly(rows, _is_block):
            self._blocks(rows, None)
        elif _mostly(rows, _is_api_message):
            self._talk(name, rows)
        else:
            raise InvalidInputError("wanted passages, blocks or messages of Letta's, found a list of something else")

    def _agent_file(self, data: Row, name: str) -> None:
        """Read version 2: agents, and beside them the blocks and files that they share."""
        names: dict[str, str] = {}
        of_block: dict[str, list[str]] = {}
        for number, agent in enumerate(data["agents"]):
            if not isinstance(agent, Mapping):
                where = f"agents[{number}]"
                self._refused(where, InvalidInputError(f"{where}: wanted an agent, found {shown(agent)}"))
                continue
            own = _text(agent.get("name")) or (name if len(data["agents"]) == 1 else f"{name}-{number}")
            if own in names.values():
                own = f"{own}-{number}"
            names[str(agent.get("id", number))] = own
            for block in agent.get("block_ids") or () if isinstance(agent.get("block_ids"), list) else ():
                of_block.setdefault(str(block), []).append(own)
            self._settings(agent)
            self._talk(own, agent.get("messages") or [], agent.get("system"))
        for block in data["blocks"]:
            owners = of_block.get(str(block.get("id")), []) if isinstance(block, Mapping) else []
            self._blocks([block], ", ".join(owners) or None)
        for file in _listed(data.get("files")):
            self._file(file)
        self._passages(data.get("passages") or [])
        self._note("tools are left out", _count(data, "tools"))
        self._note("folders are left out, their files are read", _count(data, "sources"))
        self._note("groups of agents are left out", _count(data, "groups"))
        self._note("MCP servers are left out", _count(data, "mcp_servers"))

    def _agent(self, data: Row, name: str) -> None:
        """Read version 1, an agent as the API gives it, or its parts under their names."""
        own = _text(data.get("name")) or name
        if "agent_type" in data or "core_memory" in data:
            self._settings(data)
        blocks = data.get("core_memory") or _blocks_in(data) or data.get("blocks") or []
        self._blocks(blocks, own if "name" in data else None)
        self._passages(data.get("passages") or [])
        self._talk(own, data.get("messages") or [], data.get("system"))
        self._note("tools are left out", _count(data, "tools"))

    def _settings(self, agent: Row) -> None:
        self._note("prompts and settings of agents are left out")
        self._note("variables of an agent's tools are left out", _count(agent, "tool_exec_environment_variables"))

    def _take(
        self, where: str, row: Row, kind: str, own: str | None, what: str | list[Any], text: Any, fields: dict[str, Any]
    ) -> None:
        """Take a memory, by the id that it has there or by one derived of `what` it is."""
        kept = {n: v for n, v in row.items() if n not in _NO_INFO and v not in (None, "", [], {})}
        for name in ("metadata_", "metadata"):
            if isinstance(row.get(name), Mapping):
                kept = {**row[name], **kept}
        try:
            checked_text(text, "its text")
            check_json(kept, "info")
            check_json(what, "what tells it apart")
        except InvalidInputError as error:
            self._refused(where, InvalidInputError(f"{where}: {error}"))
            return
        name = what if isinstance(what, str) else canonical_json(what)
        memory_id = own if own and not any(self._mine) else _derived(*self._mine, kind, name)
        metadata = {n: v for n, v in fields.items() if v not in (None, [])}
        node = {"id": memory_id, "memory": text, "metadata": {**metadata, "info": kept}}
        if self._nodes.setdefault(memory_id, node) != node:
            self._refused(where, InvalidInputError(f"{where}: comes twice, with different content"))

    def _blocks(self, rows: Any, owner: str | None) -> None:
        """Take blocks: each holds from its last change, or from now on: a file only tells when it was written."""
        for number, row in enumerate(_listed(rows)):
            where = f"blocks[{number}]"
            if not isinstance(row, Mapping) or not isinstance(row.get("label"), str):
                self._refused(where, InvalidInputError(f"{where}: wanted a block with label and value"))
                continue
            label, value = row["label"], row.get("value")
            if not _text(value):
                self._note("blocks without a value are left out")
                continue
            made = row.get("created_at")
            fields = {
                "key": label if _text(label) else None,
                "memory_type": "UserMemory" if label == "human" else None,
                "created_at": made,
                "valid_from": row.get("updated_at") or made,  # since then the value is this one
                "tags": _tags(row),
                "agent_id": owner,
            }
            own = row.get("id") if _real(row.get("id")) else None
            what = own or (f"{owner}/{label}" if owner else [label, value])
            self._take(f"block {label}", row, "block", own, what, value, fields)

    def _passages(self, rows: Any) -> None:
        for number, row in enumerate(_listed(rows)):
            where = f"passages[{number}]"
            if not isinstance(row, Mapping):
                self._refused(where, InvalidInputError(f"{where}: wanted a passage, found {shown(row)}"))
                continue
            if row.get("is_deleted") is True:
                self._note("passages that were deleted there are left out")
                continue
            fields = {
                "tags": _tags(row),
                "created_at": row.get("created_at"),
                "valid_from": row.get("created_at"),
                "source": "file" if row.get("file_id") else None,
            }
            if row.get("embedding"):
                self._note("vectors of passages are made again with this cube's model")
            own = row.get("id") if _real(row.get("id")) else None
            what = own or [row.get("text"), row.get("created_at")]
            self._take(where, row, "passage", own, what, row.get("text"), fields)

    def _file(self, row: Any) -> None:
        if not isinstance(row, Mapping) or not _text(row.get("content")):
            self._note("files without their content are left out")
            return
        name = _text(row.get("original_file_name")) or _text(row.get("file_name"))
        fields = {
            "key": name,
            "memory_type": "KnowledgeBaseMemory",
            "source": "file",
            "created_at": row.get("created_at") or row.get("file_creation_date"),
        }
        self._take(f"file {name}", row, "file", None, [name, row["content"]], row["content"], fields)

    def _talk(self, name: str, rows: Any, prompt: Any = None) -> None:
        """Take messages as a conversation. Their numbers are those of one file, so what they say tells them apart."""
        messages = []
        for number, row in enumerate(_listed(rows)):
            where = f"{name}, message {number}"
            try:
                if not isinstance(row, Mapping):
                    raise InvalidInputError(f"wanted a message, found {shown(row)}")
                made = _api_message(row) if "message_type" in row else _message(row)
                said = canonical_json([made["role"], made["content"], row.get("tool_calls"), row.get("tool_call_id")])
                made["id"] = _derived(name, made["chat_time"], row.get("message_type"), said)
            except (TreememError, TypeError, ValueError, RecursionError) as error:
                self._refused(where, InvalidInputError(f"{where}: {error}"))
                continue
            if row.get("role") == "system" and (number == 0 or _is_prompt(made["content"], prompt)):
                self._note("system prompts among messages are left out")
                continue
            messages.append({n: v for n, v in made.items() if v is not None})
        if messages:
            self.chats.append(Chat(f"letta-{name}", messages))


def _message(row: Row) -> dict[str, Any]:
    """Return a message of an agent file as one of a chat: what `send_message` was called with was said."""
    text, rest = _said(row.get("content") if row.get("content") is not None else row.get("text"))
    role = row.get("role")
    if role == "approval":
        role = "assistant" if row.get("tool_calls") else "tool"
    event = None
    if role == "user":
        role, text, event = _unwrapped(text)
    calls = [call for call in row.get("tool_calls") or () if isinstance(call, Mapping)]
    sent = [said for call in calls if (said := _sent(call.get("function"))) is not None]
    if sent:
        text, rest = "\n".join(sent), [*([{"type": "thoughts", "thoughts": text}] if text else []), *rest]
    kept = ("model", "name", "tool_call_id", "group_id", "sender_id", "otid", "approve", "denial_reason")
    return {
        "role": role,
        "content": _content(text, rest),
        "chat_time": row.get("created_at"),
        "event": event,
        "tool_calls": None if not calls or len(sent) == len(calls) else [dict(call) for call in calls],
        **{n: row[n] for n in kept if row.get(n) is not None},
    }


def _api_message(row: Row) -> dict[str, Any]:
    """Return a message of the API as one of a chat."""
    if row["message_type"] not in _SPEAKERS:
        raise InvalidInputError(
            f"message_type: wanted one of {', '.join(_SPEAKERS)}, found {shown(row['message_type'])}"
        )
    role, field = _SPEAKERS[row["message_type"]]
    text, rest = _said(row.get(field) if field else None)
    event = None
    if role == "user":
        role, text, event = _unwrapped(text)
    call = row.get("tool_call")
    sent = _sent(call)
    kept = {n: v for n, v in row.items() if n not in ("id", "date", "content", field, "message_type") and v is not None}
    if sent is not None:
        text = sent
        kept.pop("tool_call", None)
    return {**kept, "role": role, "content": _content(text, rest), "chat_time": row.get("date"), "event": event}


def _said(content: Any) -> tuple[str, list[Any]]:
    """Return the text of a content, and its parts that are no text."""
    if content is None or isinstance(content, str):
        return content or "", []
    if not isinstance(content, list):
        raise InvalidInputError(f"content: wanted a text or a list of parts, found {shown(content)}")
    texts = [p["text"] for p in content if isinstance(p, Mapping) and isinstance(p.get("text"), str)]
    rest = [p for p in content if not (isinstance(p, Mapping) and isinstance(p.get("text"), str))]
    return "\n".join(texts), rest


def _is_prompt(said: Any, prompt: Any) -> bool:
    """Return whether a message is the prompt of its agent, which comes again whenever a block of it changes."""
    return isinstance(said, str) and _text(prompt) is not None and said.startswith(prompt[:_ENOUGH])


def _content(text: str, rest: list[Any]) -> Any:
    """Return a content of a text and what else there is, as `treemem.ingest.chat` reads it."""
    return [*([{"type": "text", "text": text}] if text else []), *rest] if rest else text


def _unwrapped(text: str) -> tuple[str, str, Any]:
    """Return who said a text of the user's role, what, and what else is told: Letta wraps its users' words in JSON, and
    its own words to the agent as well.
    """
    try:
        found = json.loads(text) if text.startswith("{") else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        return "user", text, None
    said = found.get("message")
    if found["type"] == "user_message" and isinstance(said, str):
        return "user", said, None
    if isinstance(said, str) or found["type"] in ("login", "heartbeat"):
        return "system", said if isinstance(said, str) else "", found
    return "user", text, None


def _sent(call: Any) -> str | None:
    """Return what an agent said by a call of `send_message`, None where it called something else."""
    if not isinstance(call, Mapping) or call.get("name") != "send_message":
        return None
    given = call.get("arguments")
    try:
        given = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError):
        return None
    said = given.get("message") if isinstance(given, dict) else None
    return said if isinstance(said, str) and said.strip() else None


def _derived(*parts: Any) -> str:
    """Return an id that is the same for the same parts, whatever texts they are."""
    return derived_id("letta", *(ascii(each) if half_character(str(each)) else each for each in parts))


def _real(value: Any) -> bool:
    """Return whether an id is one of Letta's database, not a number of this file."""
    return isinstance(value, str) and len(value) > 30 and ID.fullmatch(value) is not None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _listed(value: Any) -> list[Any]:
    """Return a list as it is, and what is none as one thing that cannot be read; nothing for nothing."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _tags(row: Row) -> list[str]:
    tags = row.get("tags")
    return [t for t in tags if isinstance(t, str)] if isinstance(tags, list) else []


def _count(row: Row, name: str) -> int:
    found = row.get(name)
    return len(found) if isinstance(found, list) else 0
