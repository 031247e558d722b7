"""Between items (what a user holds) and state contents (what a store keeps)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np

from treemem.canonical import Vectors
from treemem.changes import Content, State
from treemem.items import TextualMemoryItem, TreeNodeTextualMemoryMetadata
from treemem.passages import beyond_reach, passages_of
from treemem.temporal import END, from_micros, to_micros
from treemem.text import analysed, spaced
from treemem.zones import local

#: Metadata that is the store's to say, not part of the content.
_STORED_BESIDE = frozenset(
    {"embedding", "updated_at", "valid_from", "valid_to", "recorded_from", "recorded_to", "version"}
)
_TIMES = ("memory_time", "created_at")
_ALWAYS = ("memory_type", "status")
#: Characters of a key that lead each passage of a long text.
LEADING = 250

#: The `part` of an edge DERIVED_FROM whose source has no word of its target.
AGAIN = "again"
#: The `part` of one whose source was made by somebody who was shown its target, and may have words of it.
SHOWN = "shown"

#: What `info` of an answer of a chat calls the memories that the model was shown.
USED = "used"

#: The type of the source that a knowledge base's policy names.
BASE = "knowledge_base"
#: The memory type of a skill, and the type of the source that one with a SKILL.md names.
SKILL_TYPE, SKILL_FILE = "SkillMemory", "skill"
#: The memory types of tools, and the types of the sources that a noted call and a registered schema name.
TOOL_SCHEMA, TOOL_TRAJECTORY, TOOL_CALL, TOOL_REGISTERED = (
    "ToolSchemaMemory",
    "ToolTrajectoryMemory",
    "tool_call",
    "tool",
)

_KEPT = {
    name: field.default
    for name, field in TreeNodeTextualMemoryMetadata.model_fields.items()
    if name not in _STORED_BESIDE
}


def fields_of(item: TextualMemoryItem) -> dict[str, Any]:
    """Return an item's text and metadata as JSON-able fields; what is empty or default is left out."""
    fields: dict[str, Any] = {"memory": item.memory}
    values = item.metadata.__dict__
    for name, default in _KEPT.items():
        value = values[name]
        if name == "background" and name not in item.metadata.model_fields_set:
            continue  # the text of the message before, put there when the item was read
        if value is None or (value == default and name not in _ALWAYS) or value == [] or value == {}:
            continue
        fields[name] = to_micros(value) if name in _TIMES else value
    return fields


def origin_of(fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the first source of a content that says more than a name, empty where there is none."""
    return _first_of(fields.get("sources") or ())


def is_message(sources: Sequence[Any]) -> bool:
    """Return whether sources say that a memory is a message of a conversation."""
    return _first_of(sources).get("type") == "chat"


def _first_of(sources: Sequence[Any]) -> Mapping[str, Any]:
    return next((s for s in sources if isinstance(s, dict)), {})


def is_read(fields: Mapping[str, Any]) -> bool:
    """Return whether a content is an item that a language model read out of another memory."""
    return origin_of(fields).get("type") == "reading"


def role_of(fields: Mapping[str, Any]) -> str:
    """Return who said a content in its conversation: "user", "assistant", "system" or "tool"."""
    return str(origin_of(fields).get("role") or "user")


def spoken_text(fields: Mapping[str, Any]) -> str:
    """Return what a message says, without the name of who says it, which leads its memory."""
    text, origin = str(fields["memory"]), origin_of(fields)
    name = origin.get("name") if origin.get("type") == "chat" else None
    return text.removeprefix(f"{name}: ") if name else text


def tokens_of(fields: dict[str, Any]) -> str:
    """Return the index tokens of a content: a line of its key, text, a background of its own, and the day it is about,
    and, where the text is long, a line for each of its passages with the beginning of the key and the day.
    """
    key, text, background = fields.get("key"), str(fields["memory"]), fields.get("background")
    day = next((day_of(fields[name]) for name in _TIMES if fields.get(name) is not None), None)
    lines = [[key, text, background, day], *([_short(key), part, day] for part in passages_of(text))]
    return "\n".join(spaced(analysed([part for part in parts if part])) for parts in lines)


def _short(key: str | None) -> str | None:
    """Return the part of a key that leads each passage."""
    return key and key[:LEADING]


def day_of(at: int) -> str:
    """Return the day of a time as a text says it: "3 May 2026"."""
    return _named_day(local(from_micros(at)).date())


@lru_cache(maxsize=1_024)
def _named_day(day: date) -> str:
    return day.strftime("%d %B %Y").lstrip("0")


def embedded_text(fields: dict[str, Any]) -> str:
    """Return the text whose vector stands for a content: the text, led by its key where it has one."""
    key = fields.get("key")
    return f"{key}. {fields['memory']}" if key else str(fields["memory"])


def embedded_texts_of(fields: dict[str, Any]) -> list[str]:
    """Return the texts whose vectors stand for a content: its text, and the passages of a long one beyond its reach."""
    passages = beyond_reach(passages_of(str(fields["memory"])))
    key = _short(fields.get("key"))
    return [embedded_text(fields), *(embedded_text({"key": key, "memory": passage}) for passage in passages)]


def content_of(fields: dict[str, Any], vectors: Vectors) -> Content:
    """Return the content that a store keeps; `vectors` are one a row, or a single one of the whole text."""
    return Content(fields, np.atleast_2d(vectors), tokens_of(fields))


def is_topic(fields: Mapping[str, Any]) -> bool:
    """Return whether a content is a topic that the reorganizer made."""
    return fields.get("type") == "topic" and fields.get("source") == "system"


def document_of(fields: Mapping[str, Any]) -> str | None:
    """Return the id of the document that a content is a part of, None where it is of none."""
    found = origin_of(fields).get("document") if fields.get("source") == "file" else None
    return found if isinstance(found, str) else None


def is_skill(fields: Mapping[str, Any]) -> bool:
    """Return whether a content is a skill with its SKILL.md, as `memory.skills` writes it."""
    return fields.get("memory_type") == SKILL_TYPE and origin_of(fields).get("type") == SKILL_FILE


def is_call(fields: Mapping[str, Any]) -> bool:
    """Return whether a content is a call of a tool with its result, as it was noted from messages, and can be told.

    Whoever owns it may change its `info`: one without what a call has is none.
    """
    info = fields.get("info")
    if not stands_for_call(fields) or not isinstance(info, Mapping):
        return False
    messages, arguments = info.get("messages"), info.get("arguments")
    return (
        all(isinstance(info.get(name), str) for name in ("tool", "call", "outcome"))
        and all(isinstance(info.get(name), str | None) for name in ("error", "conversation", "declared"))
        and isinstance(info.get("sequence"), int | None)
        and isinstance(arguments, Mapping)
        and all(isinstance(kind, str) for kind in arguments.values())
        and isinstance(messages, list | tuple)
        and len(messages) > 0
        and all(isinstance(each, str) for each in messages)
    )


def stands_for_call(fields: Mapping[str, Any]) -> bool:
    """Return whether a content is of the kind of noted calls, whatever its `info` says now."""
    return fields.get("memory_type") == TOOL_TRAJECTORY and origin_of(fields).get("type") == TOOL_CALL


def is_tool(fields: Mapping[str, Any]) -> bool:
    """Return whether a content is the schema of a tool that somebody registered, and can be told."""
    info = fields.get("info")
    of_kind = fields.get("memory_type") == TOOL_SCHEMA and origin_of(fields).get("type") == TOOL_REGISTERED
    if not of_kind or not isinstance(info, Mapping) or not isinstance(info.get("tool"), str):
        return False
    parameters = info.get("parameters")
    return (
        isinstance(info.get("description"), str | None)
        and isinstance(parameters, Mapping | None)
        and isinstance((parameters or {}).get("properties"), Mapping | None)
    )


def is_label(fields: Mapping[str, Any]) -> bool:
    """Return whether a content only names what is below it: a topic, a document, a heading, and whether it is the
    policy of a knowledge base. It is no hit.
    """
    if is_topic(fields) or origin_of(fields).get("type") == BASE:
        return True
    return document_of(fields) is not None and origin_of(fields).get("type") in ("document", "heading")


def item_of(state: State) -> TextualMemoryItem:
    """Return a state as an item; its vector is there if the state was read with it."""
    return TextualMemoryItem(**parts_of(state))


def parts_of(state: State) -> dict[str, Any]:
    """Return id, text and metadata of a state, of which an item is made."""
    metadata = {name: value for name, value in state.fields.items() if name != "memory"}
    for name in _TIMES:
        if metadata.get(name) is not None:
            metadata[name] = from_micros(metadata[name])
    metadata |= {
        "version": state.version,
        "valid_from": from_micros(state.valid_from),
        "valid_to": None if state.valid_to == END else from_micros(state.valid_to),
        "recorded_from": from_micros(state.recorded_from),
        "recorded_to": None if state.recorded_to == END else from_micros(state.recorded_to),
        "updated_at": from_micros(state.valid_from),
    }
    if state.embedding is not None:
        metadata["embedding"] = state.embedding.tolist()
    return {
        "id": state.memory_id,
        "memory": state.fields["memory"],
        "metadata": TreeNodeTextualMemoryMetadata.model_validate(metadata),
    }


def show_background(metadata: TreeNodeTextualMemoryMetadata, background: str) -> None:
    """Put the text of the message before into metadata, as something that was read and not set: an item that is stored
    again does not keep it as its own.
    """
    metadata.__dict__["background"] = background
