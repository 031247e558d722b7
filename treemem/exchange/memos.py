"""What MemOS writes into `textual_memory.json`, as a plain graph of ours, and a graph of ours as MemOS reads it.

MemOS has three shapes: a graph (`{"nodes", "edges"}`, of its tree memories), a list of memories (naive), and a list of
`{"id", "vector", "payload"}` (general). What it says that we have no place for goes into `info`; what is read as
something else is noted.
"""

from __future__ import annotations

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from treemem.arguments import ALIASES
from treemem.changes import EdgeType
from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.items import KINDS, MEMORY_TYPES, METADATA_FIELDS, ORIGINS, STATUSES, VISIBILITIES
from treemem.temporal import parse_time

#: Fields of ours whose values are words of a list, and the word that stands in for one that is not in it.
_WORDS: dict[str, tuple[Sequence[str], str | None]] = {
    "memory_type": (MEMORY_TYPES, "LongTermMemory"),
    "status": (STATUSES, "activated"),
    "visibility": (VISIBILITIES, "private"),
    "type": (KINDS, None),
    "source": (ORIGINS, None),
}
_TIMES = ("created_at", "memory_time", "valid_from", "valid_to")
_LISTS = ("tags", "entities", "usage")
#: Types of edges of theirs whose nearest one of ours says less, and whether it goes the other way round. The new text
#: of all four is made from the older ones, so that it goes where they go.
NEAREST = {
    "MATERIAL": (EdgeType.DERIVED_FROM, False),
    "SUMMARY": (EdgeType.DERIVED_FROM, True),
    "AGGREGATE_TO": (EdgeType.DERIVED_FROM, False),
    "INFERS": (EdgeType.DERIVED_FROM, True),
}
#: The property of an edge that holds their names of it.
NAMES = "memos"
#: The fields of ours that MemOS has no place for and that say nothing without our store.
_OURS = frozenset("embedding version recorded_from recorded_to updated_at info sequence frozen".split())
#: Where an id of ours stands that MemOS does not take.
_OWN_ID = "treemem_id"


class Shape(NamedTuple):
    """What a file holds, whoever wrote it."""

    nodes: list[Any]
    edges: list[Any]
    #: Whether this library wrote it: its nodes say since when they are recorded.
    ours: bool


def shape_of(data: Any) -> Shape:
    """Return the nodes and edges of a file, or raise InvalidInputError."""
    nodes, edges = (data, []) if isinstance(data, list) else _graph(data)
    nodes = [_unpacked(node) for node in nodes]
    ours = any(isinstance(n, Mapping) and "recorded_from" in (_metadata(n) or {}) for n in nodes)
    return Shape(nodes, edges, ours)


def fits(data: Any) -> bool:
    """Return whether the value of a JSON file is a plain graph, of ours or theirs, or a list of theirs."""
    if isinstance(data, Mapping):
        return isinstance(data.get("nodes"), list)
    if not isinstance(data, list) or not data or not isinstance(data[0], Mapping):
        return False
    return "memory" in data[0] or (isinstance(data[0].get("payload"), Mapping) and "memory" in data[0]["payload"])


def _graph(data: Any) -> tuple[list[Any], list[Any]]:
    if not isinstance(data, Mapping) or not isinstance(data.get("nodes"), list):
        raise InvalidInputError(f"wanted JSON with 'nodes' and 'edges', or a list of memories, found {shown(data)}")
    edges = data.get("edges") or []
    if not isinstance(edges, list):
        raise InvalidInputError(f"'edges': wanted a list, found {shown(edges)}")
    return data["nodes"], edges


def _unpacked(node: Any) -> Any:
    """Return a memory of the general kind, which lies in `payload` beside its vector, as the others are."""
    if isinstance(node, Mapping) and isinstance(node.get("payload"), Mapping):
        return {"id": node.get("id"), **node["payload"]}
    return node


def _metadata(node: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = node.get("metadata")
    return found if isinstance(found, Mapping) else None


class Reading:
    """Reads the nodes of a file of theirs, and counts what it reads as something else."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        told = [(_metadata(n) or {}).get("confidence") for n in nodes if isinstance(n, Mapping)]
        numbers = [n for n in told if isinstance(n, (int, float)) and not isinstance(n, bool)]
        #: They say 0.99 where we say 99.
        self._scale = 100.0 if numbers and max(numbers) <= 1 else 1.0
        self._noted: Counter[str] = Counter()
        self._ids: dict[str, str] = {}

    @property
    def notes(self) -> list[str]:
        """What was read as something else, with how often."""
        return [f"{what} ({count})" for what, count in sorted(self._noted.items())]

    def node(self, node: Any) -> dict[str, Any]:
        """Return a memory of theirs as one of ours, not checked yet. Raises InvalidInputError."""
        if not isinstance(node, Mapping) or not isinstance(node.get("metadata") or {}, Mapping):
            raise InvalidInputError(f"wanted an object with 'id', 'memory' and 'metadata', found {shown(node)}")
        given = {**(node.get("metadata") or {}), **self._beside(node)}
        own = {name: value for name, value in given.items() if name in METADATA_FIELDS and value not in (None, "", [])}
        info = {name: value for name, value in given.items() if name not in METADATA_FIELDS and _says(value)}
        own.pop("embedding", None)  # of a model that the file does not name
        for name in ("version", "updated_at", "recorded_from", "recorded_to"):
            if name in own:
                info[name] = own.pop(name)
        if "created_at" not in own and "updated_at" in info:
            own["created_at"] = info["updated_at"]  # it was there by then
        if isinstance(own.get("info"), Mapping):
            info |= own.pop("info")
        self._take_words(own, info)
        self._take_times(own, info)
        self._take_lists(own)
        confidence = own.get("confidence")
        if isinstance(confidence, (int, float)) and not isinstance(confidence, bool):
            own["confidence"] = round(confidence * self._scale, 6)
        if own.get("created_at"):
            own.setdefault("valid_from", own["created_at"])
        memory_id = _text_of(node.get("id"))
        if isinstance(info.get(_OWN_ID), str):
            self._ids[memory_id] = memory_id = info.pop(_OWN_ID)
        return {"id": memory_id, "memory": node.get("memory"), "metadata": {**own, **({"info": info} if info else {})}}

    def _beside(self, node: Mapping[str, Any]) -> dict[str, Any]:
        return {n: v for n, v in node.items() if n not in ("id", "memory", "metadata", "vector") and _says(v)}

    def _take_words(self, own: dict[str, Any], info: dict[str, Any]) -> None:
        if own.get("visibility") == "session" and not own.get("session_id"):
            info["visibility"] = own.pop("visibility")
            self._noted["visibility: session, though no session is named, is read as private"] += 1
        for name, (words, instead) in _WORDS.items():
            value = own.get(name)
            if value is None or value in words:
                continue
            info[name] = own.pop(name)
            if instead is not None:
                own[name] = instead
            read_as = "kept in info alone" if instead is None else f"read as {instead}"
            self._noted[f"{name}: {shown(value)} is {read_as}"] += 1

    def _take_times(self, own: dict[str, Any], info: dict[str, Any]) -> None:
        for name in _TIMES:
            if name not in own:
                continue
            try:
                parse_time(own[name])
            except (InvalidInputError, TypeError):
                self._noted[f"{name}: {shown(own[name])} is no time; kept in info alone"] += 1
                info[name] = own.pop(name)

    def _take_lists(self, own: dict[str, Any]) -> None:
        for name in _LISTS:
            value = own.get(name)
            if isinstance(value, str):
                own[name] = [value]
            elif isinstance(value, list):
                own[name] = [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in value]
        sources = own.get("sources")
        if sources is not None:
            own["sources"] = [_source(each) for each in (sources if isinstance(sources, list) else [sources])]

    def edge(self, edge: Mapping[str, Any]) -> dict[str, Any]:
        """Return an edge of theirs with the type that is nearest to its own; `names` are theirs."""
        name = edge.get("type")
        source, target = (self._ids.get(i, i) for i in (_text_of(edge.get("source")), _text_of(edge.get("target"))))
        plain = {**edge, "source": source, "target": target}
        if not isinstance(name, str):
            return plain
        kind, turned = NEAREST.get(name) or ALIASES.get(name) or (None, False)
        if kind is None:
            return plain
        if name in NEAREST:
            self._noted[f"edges: {name} is read as {kind}{', the other way round' if turned else ''}"] += 1
        said = {**plain, "type": kind.value}
        if turned:
            said |= {"source": target, "target": source}
        return {**said, "properties": {**(edge.get("properties") or {}), NAMES: [name]}}


def _text_of(memory_id: Any) -> Any:
    """Return a number as the text that an id is; anything else as it is."""
    return str(memory_id) if isinstance(memory_id, int) and not isinstance(memory_id, bool) else memory_id


def _says(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _source(value: Any) -> Any:
    """Return a source as it was before it was written as JSON, once or twice."""
    for _ in range(2):
        if not isinstance(value, str) or not value.startswith(("{", '"')):
            break
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            break
    return value


#: Names of theirs that say as much as ours, and what an edge of ours is called there.
_PLAIN = frozenset(name for name, (_, turned) in ALIASES.items() if not turned)
_THEIRS = {ours: name for name, (ours, turned) in ALIASES.items() if not turned and name not in ("RELATE", "FOLLOW")}


#: What a memory type, or a status, of ours is called there, where it has none of that name.
_TYPES_THERE = {"KnowledgeBaseMemory": "RawFileMemory"}
_STATUSES_THERE = {"generated": "activated", "merged": "archived", "expired": "archived", "logged": "archived"}
#: What ids that are none of MemOS's (UUIDs) are derived in, for the same id each time.
_IDS = uuid.UUID("6a0f3c56-3f0c-5d0e-9a55-7c1b7a0d2a11")


def written(nodes: Sequence[Mapping[str, Any]], edges: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a plain graph of ours as MemOS reads it: memories and edges between them, by its documented fields."""
    memories = [_node(node) for node in nodes]
    between = [each for edge in edges if edge["target_kind"] == "memory" for each in _edges(edge)]
    return {"nodes": memories, "edges": between, "total_nodes": len(memories), "total_edges": len(between)}


def joined(several: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the properties of an edge from those under each of its names there, which it keeps if they tell more."""
    names = [name for each in several for name in each.get(NAMES, ())]
    own = {name: value for each in several for name, value in each.items() if name != NAMES}
    plain = not names or (len(names) == 1 and names[0] in _PLAIN)
    return own if plain else {**own, NAMES: names}


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    own = dict(node["metadata"])
    info = dict(own.get("info") or {})
    metadata: dict[str, Any] = {name: v for name, v in own.items() if name not in _OURS and v not in (None, [])}
    metadata["memory_type"] = _TYPES_THERE.get(own["memory_type"], own["memory_type"])
    metadata["status"] = _STATUSES_THERE.get(own["status"], own["status"])
    for name in _WORDS:
        if name in info:  # what it was called there
            metadata[name] = info.pop(name)
    created = own.get("created_at") or own.get("valid_from")
    metadata |= {
        "confidence": round(float(own["confidence"]) / 100, 6),
        "created_at": created,
        "updated_at": own.get("recorded_from") or created,
        "sources": [each if isinstance(each, str) else json.dumps(each, ensure_ascii=False) for each in own["sources"]],
        "usage": own.get("usage") or [],
        "background": own.get("background") or "",
    }
    if (memory_id := _id(node["id"])) != node["id"]:
        metadata[_OWN_ID] = node["id"]
    if info:
        metadata["info"] = info
    return {"id": memory_id, "memory": node["memory"], "metadata": metadata}


def _id(memory_id: str) -> str:
    """Return an id as it is where it is a UUID, else one derived from it: MemOS takes no others."""
    try:
        uuid.UUID(memory_id)
    except ValueError:
        return str(uuid.uuid5(_IDS, memory_id))
    return memory_id


def _edges(edge: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield an edge under each of the names that it had there, or under the one that MemOS has for its type."""
    names = (edge.get("properties") or {}).get(NAMES)
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        names = [_THEIRS.get(edge["type"], edge["type"])]
    for name in names:
        _, turned = NEAREST.get(name) or ALIASES.get(name) or (None, False)
        source, target = (edge["target"], edge["source"]) if turned else (edge["source"], edge["target"])
        yield {"source": _id(source), "target": _id(target), "type": name}
