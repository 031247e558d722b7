"""Records of an archive as rows: every field looked at before it becomes one, so that a store meets nothing strange."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from treemem.canonical import farthest_norm
from treemem.changes import Edge, EdgeType, Entity, NodeKind, Operation, Source, State
from treemem.checks import shown
from treemem.contents import item_of
from treemem.errors import InvalidInputError
from treemem.ids import checked_id
from treemem.items import TreeNodeTextualMemoryMetadata
from treemem.passages import MOST_PASSAGES
from treemem.storable import check_json
from treemem.store.protocol import CubeInfo, Tombstone, Used
from treemem.temporal import BEGINNING, END, to_micros
from treemem.write.linking import checked_properties

_OPERATION = re.compile(r"[A-Za-z0-9._:-]{1,128}(/[0-9]{1,12})*")
_HASH = re.compile(r"[0-9a-f]{0,128}")
_STATUSES = ("open", "done", "failed")
_FIELDS = frozenset(TreeNodeTextualMemoryMetadata.model_fields) - {
    "embedding", "updated_at", "valid_from", "valid_to", "recorded_from", "recorded_to", "version",
}  # fmt: skip
_MICROS = ("created_at", "memory_time")
#: Fields that may be missing.
_OPTIONAL = {"edge": frozenset({"properties"})}
_ENDS = {EdgeType.MENTIONS: {NodeKind.ENTITY}, EdgeType.DERIVED_FROM: {NodeKind.SOURCE, NodeKind.MEMORY}}
Row = Operation | Entity | Source | State | Edge | Tombstone | Used


def row_of(kind: str, plain: Any, info: CubeInfo) -> Row:
    """Return a record of a cube's archive as a row, or raise InvalidInputError saying what is wrong with it."""
    if kind == "tombstone":
        return _tombstone(plain, info)
    if kind == "usage":
        return _used(plain)
    if not isinstance(plain, dict):
        raise InvalidInputError(f"{kind}: wanted a JSON object, found {shown(plain)}")
    if wrong := sorted((_NAMES[kind] ^ plain.keys()) - (_OPTIONAL.get(kind, frozenset()) - plain.keys())):
        raise InvalidInputError(f"{kind}: a field is missing or unknown: {shown(wrong)}")
    row: Row = _MAKERS[kind](plain, info)
    return row


def _text(plain: Mapping[str, Any], name: str, *, optional: bool = False, limit: int | None = None) -> Any:
    value = plain[name]
    if value is None and optional:
        return None
    if not isinstance(value, str) or (limit is not None and len(value) > limit):
        raise InvalidInputError(f"{name}: wanted a text, found {shown(value)}")
    for start in range(0, len(value), 1_000_000):
        check_json(value[start : start + 1_000_000], name)
    return value


def _word(plain: Mapping[str, Any], name: str) -> str:
    value = plain[name]
    if not isinstance(value, str) or not re.fullmatch(r"[a-z][a-z0-9_ -]{0,63}", value):
        raise InvalidInputError(f"{name}: wanted a word, found {shown(value)}")
    return value


def operation_id(value: object, name: str) -> str:
    """Return the id of an operation or of its part, or raise InvalidInputError."""
    if not isinstance(value, str) or not _OPERATION.fullmatch(value):
        raise InvalidInputError(f"{name}: wanted the id of an operation, found {shown(value)}")
    checked_id(value.partition("/")[0], name)
    return value


def _time(plain: Mapping[str, Any], name: str, last: int) -> int:
    value = plain[name]
    if type(value) is not int or not BEGINNING <= value <= last:
        raise InvalidInputError(f"{name}: wanted microseconds up to {last}, found {shown(value)}")
    return value


def _number(plain: Mapping[str, Any], name: str, low: float, high: float) -> float:
    value = plain[name]
    if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
        raise InvalidInputError(f"{name}: wanted {low:g} to {high:g}, found {shown(value)}")
    return float(value)


def _operation(plain: dict[str, Any], info: CubeInfo) -> Operation:
    receipt, touched = plain["receipt"], plain["touched"]
    counts = {"states_opened", "states_closed", "edges_opened", "edges_closed"}
    if not isinstance(receipt, dict) or not receipt.keys() <= counts:
        raise InvalidInputError(f"receipt: wanted counts of states and edges, found {shown(receipt)}")
    for name, count in receipt.items():
        if type(count) is not int or not 0 <= count < 1 << 62:
            raise InvalidInputError(f"receipt: {name}: wanted a count, found {shown(count)}")
    if not isinstance(touched, list):
        raise InvalidInputError(f"touched: wanted a list of ids, found {shown(touched)}")
    if plain["status"] not in _STATUSES:
        raise InvalidInputError(f"status: wanted one of {', '.join(_STATUSES)}, found {shown(plain['status'])}")
    if not isinstance(plain["payload_hash"], str) or not _HASH.fullmatch(plain["payload_hash"]):
        raise InvalidInputError(f"payload_hash: wanted a hash, found {shown(plain['payload_hash'])}")
    return Operation(
        id=operation_id(plain["id"], "id"),
        kind=_word(plain, "kind"),
        recorded_at=_time(plain, "recorded_at", info.clock),
        status=plain["status"],
        actor=_text(plain, "actor", optional=True),
        reason=_text(plain, "reason", optional=True),
        part_of=None if plain["part_of"] is None else operation_id(plain["part_of"], "part_of"),
        undoes=None if plain["undoes"] is None else operation_id(plain["undoes"], "undoes"),
        payload_hash=plain["payload_hash"],
        receipt=receipt,
        touched=tuple(checked_id(each, "touched") for each in touched),
    )


def _entity(plain: dict[str, Any], info: CubeInfo) -> Entity:
    return Entity(checked_id(plain["id"]), _text(plain, "name"), _text(plain, "kind", limit=64))


def _source(plain: dict[str, Any], info: CubeInfo) -> Source:
    return Source(
        id=checked_id(plain["id"]),
        kind=_text(plain, "kind", limit=64),
        role=_text(plain, "role", optional=True, limit=64),
        content=_text(plain, "content", optional=True),
        chat_time=None if plain["chat_time"] is None else _time(plain, "chat_time", END - 1),
        uri=_text(plain, "uri", optional=True),
    )


def _times(plain: Mapping[str, Any], info: CubeInfo) -> dict[str, Any]:
    """Return the four times of a state or edge and who opened and closed it, checked against each other."""
    times = {
        "valid_from": _time(plain, "valid_from", END - 1),
        "valid_to": _time(plain, "valid_to", END),
        "recorded_from": _time(plain, "recorded_from", info.clock),
        "recorded_to": _time(plain, "recorded_to", END),
    }
    if times["valid_from"] >= times["valid_to"] or times["recorded_from"] >= times["recorded_to"]:
        raise InvalidInputError("an empty interval: it ends before it begins")
    closed = plain["closed_by"]
    if times["recorded_to"] == END:
        if closed is not None:
            raise InvalidInputError(f"closed_by: {shown(closed)} closed it, but it is open")
    elif times["recorded_to"] > info.clock:
        raise InvalidInputError("recorded_to: lies after the archive's clock")
    by = {"opened_by": operation_id(plain["opened_by"], "opened_by"), "closed_by": None}
    if times["recorded_to"] != END:
        by["closed_by"] = operation_id(closed, "closed_by")
    return {**times, **by}


def _state(plain: dict[str, Any], info: CubeInfo) -> State:
    if type(plain["version"]) is not int or not 1 <= plain["version"] < 1 << 62:
        raise InvalidInputError(f"version: wanted a number from 1, found {shown(plain['version'])}")
    fields = plain["fields"]
    if not isinstance(fields, dict):
        raise InvalidInputError(f"fields: wanted a JSON object, found {shown(fields)}")
    state = State(
        memory_id=checked_id(plain["memory_id"], "memory_id"),
        version=plain["version"],
        fields=fields,
        vectors=_vectors(plain["embedding"], info),
        tokens=_text(plain, "tokens"),
        **_times(plain, info),
    )
    passages, vectors = state.tokens.count("\n"), len(state.content.vectors) - 1
    if not vectors <= passages <= MOST_PASSAGES:
        raise InvalidInputError(
            f"tokens: {passages} passages, of which {vectors} have a vector, at most {MOST_PASSAGES}"
        )
    _check_fields(state)
    return state


def _check_fields(state: State) -> None:
    """Refuse fields that no memory has, and values that would come back as others."""
    fields = state.fields
    for name in ("memory", "status", "memory_type", "created_at"):
        if fields.get(name) is None:
            raise InvalidInputError(f"fields: {name} is missing")
    unknown = sorted(fields.keys() - _FIELDS - {"memory"})
    if unknown:
        raise InvalidInputError(f"fields: there is no {shown(unknown[0])}")
    for name in _MICROS:
        if fields.get(name) is not None:
            _time(fields, name, END)
    item = item_of(State(**{n: getattr(state, n) for n in State.__slots__ if n != "vectors"}))
    for name, given in fields.items():
        kept: Any = item.memory if name == "memory" else getattr(item.metadata, name)
        if name in _MICROS and kept is not None:
            kept = to_micros(kept)
        if given is not None and (kept != given or isinstance(kept, bool) != isinstance(given, bool)):
            raise InvalidInputError(f"fields: {name}: {shown(given)} is not of its type")


def _vectors(text: object, info: CubeInfo) -> Any:
    if info.model is None:
        raise InvalidInputError("a state, though the head names no embedding model")
    if not isinstance(text, str):
        raise InvalidInputError(f"embedding: wanted base64, found {shown(text)}")
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInputError(f"embedding: no base64 ({error})") from error
    dimension = info.model.dimension
    count, rest = divmod(len(data), 4 * dimension)
    if rest or count < 1:
        raise InvalidInputError(f"embedding: {len(data)} bytes, not 4 for each of {dimension} dimensions")
    vectors = np.frombuffer(data, dtype="<f4").astype(np.float32).reshape(count, dimension)
    with np.errstate(over="ignore"):  # infinite, and refused below
        far = farthest_norm(vectors)
    if not abs(far - 1.0) <= 1e-3:  # false for NaN too
        raise InvalidInputError(f"embedding: its norm is {far:.4f}, not 1")
    return vectors


def _edge(plain: dict[str, Any], info: CubeInfo) -> Edge:
    try:
        edge_type, kind = EdgeType(plain["type"]), NodeKind(plain["target_kind"])
    except (ValueError, TypeError):
        found = shown([plain["type"], plain["target_kind"]])
        raise InvalidInputError(f"type: wanted a type of edge and a kind of end, found {found}") from None
    if kind not in _ENDS.get(edge_type, {NodeKind.MEMORY}):
        raise InvalidInputError(f"{edge_type}: does not end at a {kind}")
    source, target = checked_id(plain["source"], "source"), checked_id(plain["target"], "target")
    if source == target and kind is NodeKind.MEMORY:
        raise InvalidInputError(f"{edge_type}: {source} is linked to itself")
    return Edge(
        type=edge_type,
        source=source,
        target=target,
        target_kind=kind,
        weight=_number(plain, "weight", 0, 1e9),
        confidence=_number(plain, "confidence", 0, 100),
        **_times(plain, info),
        properties=checked_properties(plain.get("properties")),
    )


def _tombstone(plain: Any, info: CubeInfo) -> Tombstone:
    """Return what a purge left; before version 5 it did not name the operation."""
    if not isinstance(plain, list) or len(plain) not in (3, 4):
        raise InvalidInputError(f"tombstone: wanted an id, a time, a reason and an operation, found {shown(plain)}")
    named = dict(zip(Tombstone._fields, plain, strict=False))
    return Tombstone(
        checked_id(named["id"]),
        _time(named, "purged_at", info.clock),
        _text(named, "reason", optional=True),
        operation_id(plain[3], "operation") if len(plain) == 4 else None,
    )


def _used(plain: Any) -> Used:
    if not isinstance(plain, list) or len(plain) != 3:
        raise InvalidInputError(f"usage: wanted an id, a count and a time, found {shown(plain)}")
    named = dict(zip(Used._fields, plain, strict=True))
    if type(named["recalls"]) is not int or not 1 <= named["recalls"] < 1 << 62:
        raise InvalidInputError(f"recalls: wanted a number from 1, found {shown(named['recalls'])}")
    return Used(checked_id(named["id"]), named["recalls"], _time(named, "last", END - 1))


_MAKERS: Mapping[str, Any] = {
    "operation": _operation,
    "entity": _entity,
    "source": _source,
    "state": _state,
    "edge": _edge,
}
_NAMES = {
    kind: frozenset("embedding" if field.name == "vectors" else field.name for field in dataclasses.fields(row))
    for kind, row in zip(_MAKERS, (Operation, Entity, Source, State, Edge), strict=True)
}
