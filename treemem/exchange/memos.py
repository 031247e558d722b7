"""What MemOS writes into `textual_memory.json`, as a plain graph of ours. `memos_writing` is the way back.

MemOS has three shapes: a graph (`{"nodes", "edges"}`, of its tree memories), a list of memories (naive), and a list of
`{"id", "vector", "payload"}` (general). What it says that we have no place for goes into `info`; what is read as
something else is noted.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from treemem.arguments import NAMES, alias, own_type
from treemem.changes import EdgeType
from treemem.checks import shown, within
from treemem.errors import InvalidInputError, TreememError
from treemem.exchange.notes import Notes
from treemem.items import (
    KINDS,
    MEMORY_TYPES,
    METADATA_FIELDS,
    ORIGINS,
    STATUSES,
    VISIBILITIES,
    as_item,
    check_number,
)
from treemem.storable import check_json
from treemem.temporal import parse_time

#: Fields of ours whose values are words of a list, and the word that stands in for one that is not in it.
FIELD_WORDS: dict[str, tuple[Sequence[str], str | None]] = {
    "memory_type": (MEMORY_TYPES, "LongTermMemory"),
    "status": (STATUSES, "activated"),
    "visibility": (VISIBILITIES, "private"),
    "type": (KINDS, None),
    "source": (ORIGINS, None),
}
_TIMES = ("created_at", "memory_time", "valid_from", "valid_to")
#: Fields that name somebody or something, and how long the text may be that stands in for what is no id.
_IDS, _LONGEST_ID = ("user_id", "session_id", "agent_id", "app_id", "conversation_id"), 128
_LISTS = ("tags", "entities", "usage")
#: The part of `info` that holds their words of a memory.
WORDS = "memos"
#: Where a graph, a memory or an edge says what is ours of it.
OURS = "treemem"
#: What a memory type, a type, or a status, of ours is called there, where it has none of that name.
TYPES_THERE = {"KnowledgeBaseMemory": "RawFileMemory"}
KINDS_THERE = {"behaviour": "event"}
STATUSES_THERE = {"generated": "activated", "merged": "archived", "expired": "archived", "logged": "archived"}


def _is_time(value: Any, name: str) -> None:
    if value is not None:
        parse_time(value, name)


#: The fields of an edge that it can do without, and what refuses a value of each.
_EDGE_FIELDS: dict[str, Callable[[Any, str], object]] = {
    "weight": lambda value, name: value is None or within(name, value, 0, 1_000_000),
    "confidence": lambda value, name: value is None or within(name, value, 0, 100),
    "valid_from": _is_time,
    "valid_to": _is_time,
}


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
        told = [_number((_metadata(n) or {}).get("confidence")) for n in nodes if isinstance(n, Mapping)]
        #: Whether some say 99 where others say 0.99, as is usual there.
        self._mixed = any(each is not None and 1 < each <= 100 for each in told)
        self._notes = Notes()
        self._note = self._notes.note
        self._ids: dict[str, str] = {}

    @property
    def notes(self) -> list[str]:
        """What was read as something else, with how often and some of the words."""
        return self._notes.told()

    def node(self, node: Any) -> dict[str, Any]:
        """Return a memory of theirs as one of ours, not checked yet. Raises InvalidInputError."""
        if not isinstance(node, Mapping) or not isinstance(node.get("metadata") or {}, Mapping):
            raise InvalidInputError(f"wanted an object with 'id', 'memory' and 'metadata', found {shown(node)}")
        given = {**(node.get("metadata") or {}), **self._beside(node)}
        ours = given.pop(OURS, None)
        ours = ours if isinstance(ours, Mapping) else {}
        for name, value in _mapping(ours.get("added")).items():  # what our export made up, since MemOS wants it
            if given.get(name) == value:
                given.pop(name, None)
        own = {name: value for name, value in given.items() if name in METADATA_FIELDS and _says(value)}
        info = {name: value for name, value in given.items() if name not in METADATA_FIELDS and _says(value)}
        own.pop("embedding", None)  # of a model that the file does not name
        for name in ("version", "updated_at", "recorded_from", "recorded_to"):
            if name in own:
                info[name] = own.pop(name)
        if "created_at" not in own and isinstance(info.get("updated_at"), str):
            own["created_at"] = info["updated_at"]  # it was there by then
        if isinstance(own.get("info"), Mapping):
            info |= own.pop("info")
        own |= _taken_back(ours, given)
        self._take_ids(own)
        words = self._take_words(own)
        self._take_times(own, words)
        self._take_lists(own)
        self._take_confidence(own, words)
        self._take_unfit(own, words)
        if own.get("created_at"):
            own.setdefault("valid_from", own["created_at"])
        memory_id = _text_of(node.get("id"))
        if isinstance(ours.get("id"), str):
            self._ids[memory_id] = ours["id"]
            memory_id = ours["id"]
        if words:
            there = info.get(WORDS)
            info[WORDS] = {**(there if isinstance(there, Mapping) else {WORDS: there} if there else {}), **words}
        metadata = {**own, **({"info": kept} if (kept := self._storable(info)) else {})}
        was, wrote = _mapping(ours.get("was")), _mapping(ours.get("wrote"))
        for name in [n for n in was if n in METADATA_FIELDS and given.get(n) == wrote.get(n)]:
            metadata[name] = was[name]
        return {"id": memory_id, "memory": node.get("memory"), "metadata": metadata}

    def _beside(self, node: Mapping[str, Any]) -> dict[str, Any]:
        return {n: v for n, v in node.items() if n not in ("id", "memory", "metadata", "vector") and _says(v)}

    def _take_words(self, own: dict[str, Any]) -> dict[str, Any]:
        """Take words that ours have no place for out of the fields, and return them."""
        found: dict[str, Any] = {}
        if own.get("visibility") == "session" and not own.get("session_id"):
            found["visibility"] = own.pop("visibility")
            self._note("visibility: session, though no session is named, is read as private")
        for name, (words, instead) in FIELD_WORDS.items():
            value = own.get(name)
            if value is None or (isinstance(value, str) and value in words):
                continue
            found[name] = own.pop(name)
            if instead is not None:
                own[name] = instead
            kept = "kept in info alone" if instead is None else f"read as {instead}, and kept in info"
            self._note(f"{name}: what is no word of ours is {kept}", value)
        return found

    def _take_ids(self, own: dict[str, Any]) -> None:
        """Make texts of ids that are none. None is left out: a memory without its owner would be anybody's."""
        for name in _IDS:
            value = own.get(name)
            if value is None or (isinstance(value, str) and _fits(name, value)):
                continue
            own[name] = value if isinstance(value, str) else json.dumps(value)
            if not _fits(name, own[name]):
                own[name] = json.dumps(value)[:_LONGEST_ID]
            self._note(f"{name}: what is no id is read as its text", value)

    def _take_confidence(self, own: dict[str, Any], words: dict[str, Any]) -> None:
        """Read a confidence of theirs, 0.99 or 99 or either as a text, as one of ours, which is 99."""
        if "confidence" not in own:
            return
        number = _number(own["confidence"])
        if number is None or not 0 <= number <= 100:
            self._note("confidence: what is no number from 0 to 100 is kept in info alone", own["confidence"])
            words["confidence"] = own.pop("confidence")
        elif number > 1:
            own["confidence"] = number
        else:
            own["confidence"] = round(number * 100, 6)
            if self._mixed:
                self._note("confidence: up to 1 is read as a share of 1, though others of the file are of 100", number)

    def _take_unfit(self, own: dict[str, Any], words: dict[str, Any]) -> None:
        """Take what no field of ours can hold out of the fields."""
        if _fit(own):
            return
        for name in [name for name, value in own.items() if not _fits(name, value)]:
            self._note(f"{name}: what cannot be read is kept in info alone", own[name])
            words[name] = own.pop(name)

    def _storable(self, info: Mapping[str, Any]) -> dict[str, Any]:
        """Return info as it can be kept: what no store keeps as a value, as its JSON."""
        found: dict[str, Any] = {}
        for name, value in info.items():
            if name == WORDS and isinstance(value, Mapping):
                found[name] = self._storable(value)
                continue
            try:
                check_json({name: value}, "info")
                found[name] = value
                continue
            except InvalidInputError:
                pass
            try:
                text = json.dumps(value)
                at = name if _fits("info", {name: 0}) else json.dumps(name)
                check_json({at: text}, "info")
            except (InvalidInputError, ValueError, TypeError, RecursionError):
                self._note(f"info: what no store can keep is left out, under {shown(name)}")
                continue
            found[at] = text
            self._note("info: what no store can keep as it is is kept as its JSON", value)
        return found

    def _take_times(self, own: dict[str, Any], words: dict[str, Any]) -> None:
        for name in _TIMES:
            if name not in own:
                continue
            try:
                parse_time(own[name])
            except (InvalidInputError, TypeError, ValueError, ArithmeticError):
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
        ours = _mapping(edge.get(OURS))
        said = self._edge_fields({**edge, **{n: v for n, v in ours.items() if n != "type"}})
        plain = {**said, "source": source, "target": target}
        if isinstance(name, EdgeType):
            return plain
        if ours.get("type") == name and isinstance(name, str):
            return {**plain, "type": own_type(name)}  # a type of a user's own, which only has the name
        if (known := alias(name)) is None:
            return plain
        if known.narrow:
            self._note(f"edges: {name} is read as {known.type}{', the other way round' if known.turned else ''}")
        plain |= {"type": known.type, NAMES: name}
        return {**plain, "source": target, "target": source} if known.turned else plain

    def _edge_fields(self, edge: dict[str, Any]) -> dict[str, Any]:
        """Return an edge whose optional fields can be kept; what cannot be read stands among its properties."""
        kept = {name: value for name, value in edge.items() if value is not None}
        odd: dict[str, Any] = {}
        for name, check in _EDGE_FIELDS.items():
            try:
                check(kept.get(name), name)
            except (TreememError, TypeError, ValueError, ArithmeticError):
                self._note(f"edges: a {name} that cannot be read is kept in the properties alone", kept[name])
                odd[name] = kept.pop(name)
        given = kept.get("properties", {})
        if not isinstance(given, Mapping):
            self._note("edges: properties that are none are kept among them", given)
            odd["properties"], given = given, {}
        said = {**given, **({WORDS: odd} if odd and WORDS not in given else odd)}
        try:
            check_json(said, "properties")
        except InvalidInputError:
            said = self._storable(said)
        return {**kept, "properties": said} if said else kept


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    """Return a number, or what a text says as one; None for anything else, and for one that is not finite."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _fit(metadata: Mapping[str, Any]) -> bool:
    """Return whether a memory can have this metadata."""
    try:
        as_item({"id": "x", "memory": "x", "metadata": metadata})
        check_number(metadata.get("sequence"))
    except (TreememError, TypeError, ValueError, ArithmeticError, RecursionError):
        return False
    return True


def _fits(name: str, value: Any) -> bool:
    return _fit({name: value})


def _text_of(memory_id: Any) -> Any:
    """Return a number as the text that an id is; anything else as it is."""
    return str(memory_id) if isinstance(memory_id, int) and not isinstance(memory_id, bool) else memory_id


def _says(value: Any) -> bool:
    return not (value is None or (isinstance(value, (str, list, dict)) and not value))


def _taken_back(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what our export said beside their fields, as far as those still say what it wrote."""
    found = {name: ours[name] for name in ("frozen", "sequence") if name in ours}
    for name, there in (("memory_type", TYPES_THERE), ("type", KINDS_THERE), ("status", STATUSES_THERE)):
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
