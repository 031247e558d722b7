"""Memories as the API writes them: every field of its tables, lists never null, times as whole milliseconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from treemem.items import TextualMemoryItem
from treemem.records import LoggedMessage, Preference
from treemem.search.results import SearchHit
from treemem.tool_records import Tool, ToolCall

#: Types of memories by the kinds of the API. What is of a knowledge base, or from outside, is a fact there.
FACTS = ("WorkingMemory", "LongTermMemory", "UserMemory", "OuterMemory", "KnowledgeBaseMemory")
PREFERENCES, TOOLS, SKILLS = ("PreferenceMemory",), ("ToolSchemaMemory", "ToolTrajectoryMemory"), ("SkillMemory",)
_OWN_TYPES = {"WorkingMemory", "LongTermMemory", "UserMemory"}
#: Where a model's cosines, of a question and what answers it, turn from chance to meaning; the API calls that 0.5. With
#: the carried English model 8 of 8 right answers lay above 0.22 and 54 of 56 wrong ones below it.
TURN = 0.22


def ms(moment: datetime | None) -> int | None:
    """Return a time as whole milliseconds since 1970."""
    return None if moment is None else round(moment.timestamp() * 1_000)


def relativity(cosine: float, turn: float = TURN) -> float:
    """Return a cosine on the scale of the API, from 0 to 1: it meets at 0.5 what a model's cosines mean at `turn`."""
    if cosine <= turn:
        return round(max(0.0, 0.5 * cosine / turn), 4)
    return round(min(1.0, 0.5 + 0.5 * (cosine - turn) / (1 - turn)), 4)


def cosine_of(wanted: float, turn: float = TURN) -> float | None:
    """Return the cosine that a relativity stands for; None for 0, which asks for nothing."""
    if wanted <= 0:
        return None
    return 2 * wanted * turn if wanted <= 0.5 else turn + (2 * wanted - 1) * (1 - turn)


def relativities(hits: Sequence[SearchHit]) -> list[float]:
    """Return the relativity of each hit. One without a cosine, found by its words or over an edge, is placed by its
    score beside the best hit that has one.
    """
    known = [(hit.score, relativity(hit.similarity)) for hit in hits if hit.similarity is not None]
    best_score, best = max(known, default=(1.0, 1.0))
    return [
        relativity(hit.similarity)
        if hit.similarity is not None
        else round(min(1.0, best * hit.score / (best_score or 1.0)), 4)
        for hit in hits
    ]


def status_of(item: TextualMemoryItem) -> str:
    """Return the status of a memory by the words of the API."""
    return "activated" if item.metadata.status in ("activated", "generated") else "archived"


def _info(item: TextualMemoryItem) -> dict[str, Any]:
    return {name: value for name, value in item.metadata.info.items() if not name.startswith("document_")}


def _shared(item: TextualMemoryItem) -> dict[str, Any]:
    data = item.metadata
    return {
        "id": item.id,
        "create_time": ms(data.created_at),
        "update_time": ms(data.updated_at or data.created_at),
        "conversation_id": data.conversation_id or "",
        "status": status_of(item),
        "confidence": round(data.confidence / 100, 4),
        "tags": list(data.tags),
    }


def _whole(item: TextualMemoryItem, more: bool) -> dict[str, Any]:
    """Return what lists of memories add to those of searches."""
    return {"sources": list(item.metadata.sources), "info": _info(item)} if more else {}


def fact(item: TextualMemoryItem, near: float | None = None, *, more: bool = False) -> dict[str, Any]:
    """Return a memory as an entry of memory_detail_list."""
    kind = item.metadata.memory_type
    rated = {} if near is None else {"relativity": near}
    return {
        **_shared(item),
        "memory_key": item.metadata.key or item.memory.splitlines()[0][:60],
        "memory_value": item.memory,
        "memory_type": kind if kind in _OWN_TYPES else "LongTermMemory",
        **rated,
        **_whole(item, more),
    }


def event(item: TextualMemoryItem, near: float | None = None) -> dict[str, Any]:
    """Return a memory as an entry of event_detail_list."""
    at = ms(item.metadata.memory_time)
    return {
        **_shared(item),
        "event_key": item.metadata.key or item.memory.splitlines()[0][:60],
        "event_value": item.memory,
        "event_type": "EventMemory",
        "event_time": [] if at is None else [at],
        "event_location": [],
        "event_roles": list(item.metadata.entities),
        **({} if near is None else {"relativity": near}),
    }


def preference(found: Preference) -> dict[str, Any]:
    """Return a preference as an entry of preference_detail_list."""
    source = found.sources[0] if found.sources else None
    return {
        "id": found.id,
        "preference": found.text,
        "preference_type": f"{found.kind}_preference",
        "reasoning": found.reasoning or (f"The user said: {source.text}" if source else ""),
        "create_time": ms(found.since),
        "update_time": ms(found.since),
        "conversation_id": (source.conversation_id if source else None) or "",
        "status": "activated",
        "relativity": 1.0 if found.similarity is None else relativity(found.similarity),
    }


def preference_item(item: TextualMemoryItem, near: float | None = None, *, more: bool = False) -> dict[str, Any]:
    """Return a memory that is a preference as an entry of preference_detail_list."""
    info = item.metadata.info
    return {
        **_shared(item),
        "status": "activated",
        "preference": item.memory,
        "preference_type": item.metadata.preference_type or "explicit_preference",
        "reasoning": str(info.get("reasoning") or ""),
        **({} if near is None else {"relativity": near}),
        **_whole(item, more),
    }


def tool(item: TextualMemoryItem, near: float | None = None, *, more: bool = False) -> dict[str, Any]:
    """Return a memory as an entry of tool_memory_detail_list: a schema that was registered, or a call."""
    info = item.metadata.info
    name, outcome = info.get("tool"), info.get("outcome")
    value: Any = item.memory
    if name is not None and outcome is None:
        value = {
            "name": name,
            **{key: info.get(key) or empty for key, empty in (("description", ""), ("parameters", {}))},
        }
    used = [] if outcome is None else [_used(str(name), str(info.get("error") or ""), float(outcome == "ok"), "")]
    return {
        **_shared(item),
        "conversation_id": str(info.get("conversation") or item.metadata.conversation_id or ""),
        "status": "activated",
        "tool_type": item.metadata.memory_type,
        "tool_value": value,
        "tool_used_status": used,
        "experience": "",
        **({} if near is None else {"relativity": near}),
        **_whole(item, more),
    }


def _used(name: str, error: str, rate: float, experience: str) -> dict[str, Any]:
    return {"used_tool": name, "error_type": error, "success_rate": round(rate, 4), "tool_experience": experience}


def tool_schema(found: Tool) -> dict[str, Any]:
    """Return what is known of a tool as an entry of tool_memory_detail_list."""
    at = ms(found.last_used)
    return {
        "id": found.id,
        "tool_type": "ToolSchemaMemory",
        "tool_value": {"name": found.name, "description": found.description, "parameters": dict(found.parameters)},
        "tool_used_status": _status(found, "") if found.calls else [],
        "experience": _experience(found),
        "create_time": at,
        "update_time": at,
        "conversation_id": "",
        "status": "activated",
        "confidence": 1.0,
        "tags": [],
        "relativity": 1.0 if found.similarity is None else relativity(found.similarity),
    }


def tool_call(found: Tool, call: ToolCall) -> dict[str, Any]:
    """Return a call of a tool as an entry of tool_memory_detail_list."""
    at = ms(call.since)
    return {
        "id": call.id,
        "tool_type": "ToolTrajectoryMemory",
        "tool_value": call.text,
        "tool_used_status": _status(found, call.error),
        "experience": _experience(found),
        "create_time": at,
        "update_time": at,
        "conversation_id": call.conversation_id or "",
        "status": "activated",
        "confidence": 1.0,
        "tags": [],
        "relativity": 1.0 if call.similarity is None else relativity(call.similarity),
    }


def _status(found: Tool, error: str) -> list[dict[str, Any]]:
    return [_used(found.name, error, found.success_rate or 0.0, _experience(found))]


def _experience(found: Tool) -> str:
    return "\n".join(each.text for each in found.experience)


def skill(item: TextualMemoryItem, near: float | None = None, *, more: bool = False) -> dict[str, Any]:
    """Return a memory as an entry of skill_detail_list."""
    info = item.metadata.info
    value = info.get("skill_value")
    said: Mapping[str, Any] = value if isinstance(value, dict) else {}
    empty: dict[str, Any] = {"experience": [], "preference": [], "examples": [], "script": {}, "others": {}}
    named = {"name": item.metadata.key or "", "description": item.memory, "procedure": ""}
    return {
        **_shared(item),
        "skill_value": {**empty, **named, **said},
        "skill_url": str(info.get("skill_url") or ""),
        "skill_type": str(info.get("skill_type") or "SkillMemory"),
        **({} if near is None else {"relativity": near}),
        **_whole(item, more),
    }


def by_id(item: TextualMemoryItem, view: str, message_ids: Iterable[str]) -> dict[str, Any]:
    """Return a memory as get/memory/{id} gives it, with its sources where the command line of others looks for them."""
    data = item.metadata
    return {
        "id": item.id,
        "memory_view": view,
        "title": data.key or "",
        "content": item.memory,
        "conversation_id": data.conversation_id or "",
        "message_ids": list(message_ids),
        "status": status_of(item),
        "algorithm_updatable": not data.frozen,
        "created_at": ms(data.created_at),
        "updated_at": ms(data.updated_at or data.created_at),
        "user_id": data.user_id or "",
        "agent_id": data.agent_id or "",
        "tags": list(data.tags),
        "info": _info(item),
        "metadata": {"sources": list(data.sources), "memory_type": data.memory_type},
    }


def view_named(memory_type: str) -> str:
    """Return the kind of a type of memories by the words of the API."""
    if memory_type in PREFERENCES:
        return "preference"
    if memory_type in TOOLS:
        return "tool_memory"
    return "skill" if memory_type in SKILLS else "detail_factual"


def message(said: LoggedMessage) -> dict[str, Any]:
    """Return a message as an entry of message_detail_list."""
    at = ms(said.time or said.recorded_at)
    return {
        "id": said.id,
        "role": said.role,
        "content": said.content,
        "create_time": at,
        "update_time": at,
        "conversation_id": said.conversation_id,
    }
