"""A plain graph of ours as MemOS reads it: what `memos` reads back, and reads back as it was."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from treemem.arguments import ALIASES, NAMES, alias, names_of
from treemem.exchange.memos import FIELD_WORDS, KINDS_THERE, OURS, STATUSES_THERE, TYPES_THERE, WORDS, Reading
from treemem.items import TreeNodeTextualMemoryMetadata

#: What an edge of ours is called there, where nothing else is said.
_THEIRS = {
    each.type: name
    for name, each in ALIASES.items()
    if not (each.turned or each.narrow) and name not in ("RELATE", "FOLLOW")
}
#: The fields of ours that MemOS has no place for and that say nothing without our store.
_OF_THE_STORE = frozenset("embedding version recorded_from recorded_to updated_at".split())
_LEFT_OUT = _OF_THE_STORE | {"info", "sequence", "frozen"}
#: What ids that are none of MemOS's (UUIDs) are derived in, for the same id each time.
_IDS = uuid.UUID("6a0f3c56-3f0c-5d0e-9a55-7c1b7a0d2a11")
#: The fields whose words there go back out. Who may see a memory is not among them.
_GOES_BACK = ("memory_type", "status", "type", "source")

#: What a field says that is not given.
_DEFAULTS = TreeNodeTextualMemoryMetadata().model_dump()


def written(nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a plain graph of ours as MemOS reads it: memories and edges between them, by its documented fields.

    What those cannot say stands beside them under `treemem`, where MemOS does not look.
    """
    memories = [_node(node) for node in nodes]
    between = [each for edge in edges if edge["target_kind"] == "memory" for each in _edges(edge)]
    return {"nodes": memories, "edges": between, "total_nodes": len(memories), "total_edges": len(between)}


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    own = dict(node["metadata"])
    info = dict(own.get("info") or {})
    metadata: dict[str, Any] = {name: v for name, v in own.items() if name not in _LEFT_OUT and v not in (None, [])}
    metadata["memory_type"] = TYPES_THERE.get(own["memory_type"], own["memory_type"])
    metadata["status"] = STATUSES_THERE.get(own["status"], own["status"])
    if own.get("type") in KINDS_THERE:
        metadata["type"] = KINDS_THERE[own["type"]]
    words = info.get(WORDS)
    if isinstance(words, Mapping):
        back = {n: words[n] for n in _GOES_BACK if _stands_in(n, own.get(n), words.get(n))}
        metadata |= back
        rest = {n: v for n, v in words.items() if n not in back}
        info = {n: v for n, v in info.items() if n != WORDS} | ({WORDS: rest} if rest else {})
    created = own.get("created_at") or own.get("valid_from")
    metadata |= {
        "confidence": round(float(own["confidence"]) / 100, 6),
        "created_at": created,
        "updated_at": own.get("recorded_from") or created,
        "sources": [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in own["sources"]],
        "usage": own.get("usage") or [],
        "background": own.get("background") or "",
    }
    if info:
        metadata["info"] = info
    memory_id = _id(node["id"])
    ours = {"id": node["id"]} if memory_id != node["id"] else {}
    ours |= {n: own[n] for n in ("memory_type", "status") if own[n] != metadata[n]}
    ours |= {"type": own["type"]} if own.get("type") in KINDS_THERE else {}
    ours |= {n: own[n] for n in ("frozen", "sequence") if own.get(n) not in (None, False)}
    made_up = [n for n in ("created_at", "updated_at") if n == "updated_at" or own.get(n) is None]
    metadata[OURS] = {**ours, "added": {n: metadata[n] for n in made_up}}
    made = {"id": memory_id, "memory": node["memory"], "metadata": metadata}
    read = Reading([]).node(made)["metadata"]
    lost = [n for n in own if n not in _OF_THE_STORE and read.get(n, _DEFAULTS.get(n)) != own[n]]
    if lost:
        metadata[OURS] |= {"was": {n: own[n] for n in lost}, "wrote": {n: metadata.get(n) for n in lost}}
    return made


def _stands_in(name: str, ours: Any, theirs: Any) -> bool:
    """Return whether a field has the word that stands in for one of theirs, which is to go back out."""
    words, instead = FIELD_WORDS[name]
    return ours == instead and isinstance(theirs, str) and theirs not in words


def _id(memory_id: str) -> str:
    """Return an id as it is where it is a UUID, else one derived from it: MemOS takes no others."""
    try:
        uuid.UUID(memory_id)
    except ValueError:
        return str(uuid.uuid5(_IDS, memory_id))
    return memory_id


def _edges(edge: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an edge under each of the names that it had there, or under the one that MemOS has for its type."""
    properties = edge.get("properties") or {}
    names = names_of(edge["type"], properties)
    own = {n: v for n, v in properties.items() if n != NAMES or not names}
    ours = {n: edge[n] for n in ("weight", "confidence", "valid_from", "valid_to")}
    ours |= {"properties": own} if own else {}
    ends = edge["source"], edge["target"]
    if alias(edge["type"]) is not None:  # a type of a user's own, which only has the name
        ours["type"] = edge["type"]
    for name in names or [_THEIRS.get(edge["type"], edge["type"])]:
        source, target = reversed(ends) if names and ALIASES[name].turned else ends
        yield {"source": _id(source), "target": _id(target), "type": name, OURS: ours}
