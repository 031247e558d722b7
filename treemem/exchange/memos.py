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
#: The property of an edge that holds their names of it, and the part of `info` that holds their words of a memory.
NAMES, WORDS = "memos_types", "memos"
#: Where a graph, a memory or an edge says what is ours of it.
OURS = "treemem"
#: The fields of ours that MemOS has no place for and that say nothing without our store.
_LEFT_OUT = frozenset("embedding version recorded_from recorded_to updated_at info sequence frozen".split())


class Shape(NamedTuple):
    """What a file holds, whoever wrote it."""

    nodes: list[Any]
    edges: list[Any]
    #: Whether this library wrote it: the graph says so, or its nodes say since when they are recorded.
    ours: bool


def shape_of(data: Any) -> Shape:
    """Return the nodes and edges of a file, or raise InvalidInputError."""
    nodes, edges = (data, []) if isinstance(data, list) else _graph(data)
    nodes = [_unpacked(node) for node in nodes]
    recorded = any(isinstance(n, Mapping) and "recorded_from" in (_metadata(n) or {}) for n in nodes)
    return Shape(nodes, edges, recorded or (isinstance(data, Mapping) and bool(data.get(OURS))))


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
    edges = data.get("edges") or data.get("links") or []
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
    """Reads the nodes and edges of a file of theirs, and counts what it reads as something else."""

    def __init__(self, nodes: Sequence[Any]) -> None:
        told = [(_metadata(n) or {}).get("confidence") for n in nodes if isinstance(n, Mapping)]
        numbers = [n for n in told if isinstance(n, (int, float)) and not isinstance(n, bool)]
        #: They say 0.99 where we say 99.
        self._scale = 100.0 if numbers and max(numbers) <= 1 else 1.0
        self._noted: Counter[str] = Counter()
        self._examples: dict[str, dict[str, None]] = {}
        self._ids: dict[str, str] = {}

    @property
    def notes(self) -> list[str]:
        """What was read as something else, with how often and some of the words."""
        return [
            f"{what} ({count}{', such as ' + ', '.join(some) if (some := list(self._examples[what])[:3]) else ''})"
            for what, count in sorted(self._noted.items())
        ]

    def _note(self, what: str, example: object = None) -> None:
        self._noted[what] += 1
        examples = self._examples.setdefault(what, {})
        if example is not None and len(examples) < 3:
            examples[shown(example)] = None

    def node(self, node: Any) -> dict[str, Any]:
        """Return a memory of theirs as one of ours, not checked yet. Raises InvalidInputError."""
        if not isinstance(node, Mapping) or not isinstance(node.get("metadata") or {}, Mapping):
            raise InvalidInputError(f"wanted an object with 'id', 'memory' and 'metadata', found {shown(node)}")
        given = {**(node.get("metadata") or {}), **self._beside(node)}
        ours = given.pop(OURS, None)
        own = {name: value for name, value in given.items() if name in METADATA_FIELDS and _says(value)}
        info = {name: value for name, value in given.items() if name not in METADATA_FIELDS and _says(value)}
        own.pop("embedding", None)  # of a model that the file does not name
        for name in ("version", "updated_at", "recorded_from", "recorded_to"):
            if name in own:
                info[name] = own.pop(name)
        if "created_at" not in own and "updated_at" in info:
            own["created_at"] = info["updated_at"]  # it was there by then
        if isinstance(own.get("info"), Mapping):
            info |= own.pop("info")
        if isinstance(ours, Mapping):
            own |= _taken_back(ours, given)
        words = self._take_words(own)
        self._take_times(own, words)
        self._take_lists(own)
        confidence = own.get("confidence")
        if isinstance(confidence, (int, float)) and not isinstance(confidence, bool) and 0 <= confidence <= 100:
            own["confidence"] = round(confidence * self._scale, 6)
        if own.get("created_at"):
            own.setdefault("valid_from", own["created_at"])
        memory_id = _text_of(node.get("id"))
        if isinstance(ours, Mapping) and isinstance(ours.get("id"), str):
            self._ids[memory_id] = ours["id"]
            memory_id = ours["id"]
        if words:
            info[WORDS] = words
        return {"id": memory_id, "memory": node.get("memory"), "metadata": {**own, **({"info": info} if info else {})}}

    def _beside(self, node: Mapping[str, Any]) -> dict[str, Any]:
        return {n: v for n, v in node.items() if n not in ("id", "memory", "metadata", "vector") and _says(v)}

    def _take_words(self, own: dict[str, Any]) -> dict[str, Any]:
        """Take words that ours have no place for out of the fields, and return them."""
        found: dict[str, Any] = {}
        if own.get("visibility") == "session" and not own.get("session_id"):
            found["visibility"] = own.pop("visibility")
            self._note("visibility: session, though no session is named, is read as private")
        for name, (words, instead) in _WORDS.items():
            value = own.get(name)
            if value is None or (isinstance(value, str) and value in words):
                continue
            found[name] = own.pop(name)
            if instead is not None:
                own[name] = instead
            kept = "kept in info alone" if instead is None else f"read as {instead}, and kept in info"
            self._note(f"{name}: what is no word of ours is {kept}", value)
        return found

    def _take_times(self, own: dict[str, Any], words: dict[str, Any]) -> None:
        for name in _TIMES:
            if name not in own:
                continue
            try:
                parse_time(own[name])
            except (InvalidInputError, TypeError):
                self._note(f"{name}: what is no time is kept in info alone", own[name])
                words[name] = own.pop(name)

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
        """Return an edge of theirs with the type that is nearest to its own."""
        name = edge.get("type")
        source, target = (self._ids.get(i, i) for i in (_text_of(edge.get("source")), _text_of(edge.get("target"))))
        ours = edge.get(OURS)
        plain = {**edge, **(ours if isinstance(ours, Mapping) else {}), "source": source, "target": target}
        if not isinstance(name, str):
            return plain
        kind, turned = NEAREST.get(name) or ALIASES.get(name) or (None, False)
        if kind is None:
            return plain
        if name in NEAREST:
            self._note(f"edges: {name} is read as {kind}{', the other way round' if turned else ''}")
        said = {**plain, "type": kind.value, NAMES: name}
        return {**said, "source": target, "target": source} if turned else said


def _text_of(memory_id: Any) -> Any:
    """Return a number as the text that an id is; anything else as it is."""
    return str(memory_id) if isinstance(memory_id, int) and not isinstance(memory_id, bool) else memory_id


def _says(value: Any) -> bool:
    return not (value is None or (isinstance(value, (str, list, dict)) and not value))


def _taken_back(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what our export said beside their fields, as far as those still say what it wrote."""
    found = {name: ours[name] for name in ("frozen", "sequence") if name in ours}
    for name, there in (("memory_type", _TYPES_THERE), ("type", _KINDS_THERE), ("status", _STATUSES_THERE)):
        own = ours.get(name)
        if isinstance(own, str) and there.get(own) == theirs.get(name):
            found[name] = own
    return found


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


#: What an edge of ours is called there, where nothing else is said.
_THEIRS = {ours: name for name, (ours, turned) in ALIASES.items() if not turned and name not in ("RELATE", "FOLLOW")}
#: What a memory type, a type, or a status, of ours is called there, where it has none of that name.
_TYPES_THERE = {"KnowledgeBaseMemory": "RawFileMemory"}
_KINDS_THERE = {"behaviour": "event"}
_STATUSES_THERE = {"generated": "activated", "merged": "archived", "expired": "archived", "logged": "archived"}
#: What ids that are none of MemOS's (UUIDs) are derived in, for the same id each time.
_IDS = uuid.UUID("6a0f3c56-3f0c-5d0e-9a55-7c1b7a0d2a11")
#: The fields whose words there go back out. Who may see a memory is not among them.
_GOES_BACK = ("memory_type", "status", "type", "source")


def names_of(properties: Mapping[str, Any]) -> list[str]:
    """Return the names that an edge has there, none where nothing of the kind is said."""
    names = properties.get(NAMES)
    if not isinstance(names, list) or not all(isinstance(n, str) and (n in NEAREST or n in ALIASES) for n in names):
        return []
    return names


def named(properties: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return the properties of an edge with its names there, if they tell more than its type does."""
    plain = not names or (len(names) == 1 and names[0] in ALIASES and not ALIASES[names[0]][1])
    return dict(properties) if plain else {**properties, NAMES: list(dict.fromkeys(names))}


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
    metadata["memory_type"] = _TYPES_THERE.get(own["memory_type"], own["memory_type"])
    metadata["status"] = _STATUSES_THERE.get(own["status"], own["status"])
    if own.get("type") in _KINDS_THERE:
        metadata["type"] = _KINDS_THERE[own["type"]]
    words = info.get(WORDS)
    if isinstance(words, Mapping):
        back = {n: words[n] for n in _GOES_BACK if isinstance(words.get(n), str) and words[n] not in _WORDS[n][0]}
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
    ours |= {"type": own["type"]} if own.get("type") in _KINDS_THERE else {}
    ours |= {n: own[n] for n in ("frozen", "sequence") if own.get(n) not in (None, False)}
    if ours:
        metadata[OURS] = ours
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
    properties = edge.get("properties") or {}
    names = names_of(properties) or [_THEIRS.get(edge["type"], edge["type"])]
    ours = {n: edge[n] for n in ("weight", "confidence", "valid_from", "valid_to")}
    own = {n: v for n, v in properties.items() if n != NAMES or not names_of(properties)}
    for name in names:
        _, turned = NEAREST.get(name) or ALIASES.get(name) or (None, False)
        source, target = (edge["target"], edge["source"]) if turned else (edge["source"], edge["target"])
        said = {**ours, **({"properties": own} if own else {})}
        yield {"source": _id(source), "target": _id(target), "type": name, OURS: said}
