"""Plain data to Neo4j properties and back. Times are ZONED DATETIME in UTC: a person can read and query them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from neo4j.vector import Vector as Neo4jVector

from treemem.canonical import Vector, canonical_json
from treemem.changes import Edge, EdgeType, Entity, Log, Model, NodeKind, Operation, Source, State
from treemem.errors import InvalidInputError
from treemem.items import MEMORY_TYPES, METADATA_FIELDS
from treemem.store.neo4j.facts import INFO, facts_of
from treemem.store.protocol import FIRST, LIVE, CubeInfo
from treemem.store.shared import properties_of, properties_text
from treemem.temporal import BEGINNING, END, END_TIME, from_micros
from treemem.text import caption

#: Properties of a State node that are fields of the memory. What others gave the node is left alone.
_FIELDS = (METADATA_FIELDS | {"memory"}) - {
    "embedding", "updated_at", "valid_from", "valid_to", "recorded_from", "recorded_to", "version", "info",
}  # fmt: skip
#: Labels that a Memory has beside: its type, and that it is a topic. Browser tells nodes apart by labels alone.
KINDS = (*MEMORY_TYPES, "Topic")
#: The label of a state, and of the memory that shows it, that is no longer so: it was replaced or taken back, put away,
#: or had ended when it was written.
FORMER = "Former"
#: Fields that are times. They are written by the statements, which make datetimes of pairs.
_TIMES = ("created_at", "memory_time")
#: The longest vector that a vector index of Neo4j takes.
MOST_DIMENSIONS = 4_096


def time(value: int) -> datetime:
    """Return microseconds since 1970 as the driver wants a time."""
    return END_TIME if value == END else from_micros(value)


def pair(value: int | None) -> list[int] | None:
    """Return a time as [seconds since 1970, nanoseconds], from which Cypher makes a datetime.

    A list of datetimes costs the driver some 35 microseconds each to write, a pair of integers next to nothing; on
    reading, statements return microseconds for the same reason.
    """
    if value is None or value == END:
        return None
    seconds, rest = divmod(value, 1_000_000)
    return [seconds, rest * 1_000]


def vector(value: Vector) -> Neo4jVector:
    """Return a vector as the driver sends it: four bytes a number, the high one first, instead of a list.

    Raises InvalidInputError for one that no index takes.
    """
    if len(value) > MOST_DIMENSIONS:
        raise InvalidInputError(
            f"embedding: it has {len(value)} dimensions, Neo4j indexes at most {MOST_DIMENSIONS}; nothing was written. "
            "Use a model with shorter vectors, or the embedded store"
        )
    return Neo4jVector(value.astype(">f4").tobytes(), "f32")


def scope_token(cube: str) -> str:
    """Return the word that stands for a cube in the full-text index: letters and digits only, one for each cube."""
    return "c" + cube.encode().hex() + "z"


def scope(cube: str, state: State, recorded_to: int) -> str:
    """Return the words by which the full-text index filters: cube with status, and cube with each of the four times.

    The times are microseconds since year 1 in 18 digits, so that words sort as times do.
    """
    prefix = scope_token(cube)  # a passage has "p" in the place of the first "s": see cypher/fragments/passage_scope
    ends = (("f", state.valid_from), ("e", state.valid_to), ("r", state.recorded_from), ("x", recorded_to))
    return " ".join([prefix + "s" + state.fields["status"], *(f"{prefix}{k}{t - BEGINNING:018d}" for k, t in ends)])


def passage_scope(cube: str, state: State) -> str:
    """Return the same for the passages of a state; as cypher/fragments/passage_scope makes it."""
    token = scope_token(cube)
    return scope(cube, state, state.recorded_to).replace(token + "s", token + "p")


def state_properties(cube: str, state: State) -> dict[str, Any]:
    """Return the properties of a State node, without key, times and vector."""
    properties: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    for name, value in state.fields.items():
        if name not in _TIMES:
            (properties if _fits(value) else extra)[name] = value
    properties |= beside(extra, state.fields)
    properties["tokens"] = state.tokens.partition("\n")[0]
    properties["scope"] = scope(cube, state, state.recorded_to)
    return properties


def beside(extra: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties for what no property can hold, `info` among it: as JSON, and as facts for filters."""
    found: dict[str, Any] = {}
    if extra:
        found["extra"] = canonical_json(extra)
    if facts := facts_of(fields):
        found["facts"] = facts
    return found


def state_row(cube: str, state: State, edges: Sequence[Edge] = ()) -> dict[str, Any]:
    """Return a state to open as a row, with the edges to open that start at its memory."""
    ends: dict[NodeKind, list[list[Any]]] = {kind: [] for kind in NodeKind}
    for edge in edges:
        ends[edge.target_kind].append(_edge_list(edge, state))
    return {
        "id": state.memory_id,
        "version": state.version,
        "cache": cache(state),
        "properties": state_properties(cube, state),
        "embedding": vector(state.content.embedding),
        "valid_from": pair(state.valid_from),
        "valid_to": pair(state.valid_to),
        "created_at": pair(state.fields["created_at"]),
        "memory_time": pair(state.fields.get("memory_time")),
        "mentions": ends[NodeKind.ENTITY],
        "sources": ends[NodeKind.SOURCE],
        "links": ends[NodeKind.MEMORY],
    }


def passage_rows(state: State) -> list[dict[str, Any]]:
    """Return the passages of a state as rows, none for a short text; the last ones have the vectors that there are."""
    vectors = state.content.vectors[1:]
    return [
        {
            "id": state.memory_id,
            "version": state.version,
            "number": number,
            "tokens": line,
            "embedding": None if place is None else vector(vectors[place]),
        }
        for number, line, place in passages_of(state)
    ]


def passages_of(state: State) -> Iterator[tuple[int, str, int | None]]:
    """Yield the passages of a state: number, words, and the place of its vector among those, None for one without."""
    _, *lines = state.tokens.split("\n")
    plain = len(lines) - (len(state.content.vectors) - 1)
    for number, line in enumerate(lines, 1):
        yield number, line, None if number <= plain else number - plain - 1


def of_log(log: Log | None, above: int = FIRST) -> dict[str, Any]:
    """Return the parameters by which a statement finds the states of a log, or with none those of every log."""
    return {
        "conversation": None if log is None else log.conversation,
        "user": None if log is None else log.user_id,
        "session": None if log is None else log.session_id,
        "above": above,
        "end": END_TIME,
    }


def _edge_list(edge: Edge, state: State) -> list[Any]:
    """Return an edge that opens with its memory's state; without times where it holds as long as the state does."""
    shown: list[Any] = [edge.type.value, edge.target, float(edge.weight), float(edge.confidence), edge.tiebreak]
    shown.append(properties_text(edge))
    if (edge.valid_from, edge.valid_to) != (state.valid_from, state.valid_to):
        shown += [pair(edge.valid_from), pair(edge.valid_to)]
    return shown


def _fits(value: Any) -> bool:
    """Return whether a value comes back from a property as it went in: a scalar, or a list of one scalar type."""
    if isinstance(value, (bool, int, float, str)):
        return True
    if not isinstance(value, list) or not value:
        return False
    kind = type(value[0])
    return kind in (bool, int, float, str) and all(type(each) is kind for each in value)


def kinds(last: State, *, holds: bool) -> tuple[str, ...]:
    """Return the labels of a memory beside Memory, by its last version and whether any of its states is no former one.

    As cypher/fragments/relabel sets them.
    """
    topic = ("Topic",) if last.fields.get("type") == "topic" else ()
    return (last.fields["memory_type"], *topic, *(() if holds else (FORMER,)))


def former(state: State) -> tuple[str, ...]:
    """Return the labels of a state beside State; as cypher/fragments/former says."""
    gone = state.recorded_to < END or state.valid_to <= state.recorded_from
    return (FORMER,) if gone or state.fields["status"] not in LIVE else ()


def cache(state: State) -> dict[str, Any]:
    """Return what an identity shows of the state written last, without version and times."""
    fields = state.fields
    return {
        "caption": caption(fields.get("key") or fields["memory"]),
        "key": fields.get("key"),
        "memory_type": fields["memory_type"],
        "type": fields.get("type"),
        "status": fields["status"],
        "frozen": bool(fields.get("frozen")),
    }


def state(properties: Mapping[str, Any]) -> State:
    """Return the properties of a State node as a State."""
    fields: dict[str, Any] = {}
    info: dict[str, Any] = {}
    for name, value in properties.items():
        if name.startswith(INFO):  # as a treemem before 0004_facts wrote it, which may still run beside this one
            info[name[len(INFO) :]] = value
        elif name in _FIELDS and value is not None:
            fields[name] = value
    extra = json.loads(properties["extra"]) if properties.get("extra") else {}
    info |= extra.pop("info", {})
    if info:
        fields["info"] = info
    words, vectors = zip((properties["tokens"], properties.get("embedding")), *properties["passages"], strict=True)
    return State(
        memory_id=properties["id"],
        version=properties["version"],
        fields=fields | extra,
        valid_from=properties["valid_from"],
        valid_to=properties["valid_to"],
        recorded_from=properties["recorded_from"],
        recorded_to=properties["recorded_to"],
        opened_by=properties["opened_by"],
        closed_by=properties.get("closed_by"),
        vectors=None if vectors[0] is None else np.array([v for v in vectors if v is not None], dtype=np.float32),
        tokens="\n".join(words),
    )


def edge_row(edge: Edge) -> dict[str, Any]:
    """Return an edge to open as a row."""
    return {
        "type": edge.type.value,
        "source": edge.source,
        "target": edge.target,
        "weight": float(edge.weight),
        "confidence": float(edge.confidence),
        "tiebreak": edge.tiebreak,
        "properties": properties_text(edge),
        "valid_from": pair(edge.valid_from),
        "valid_to": pair(edge.valid_to),
    }


def kind_of(edge_type: str, labels: list[str]) -> NodeKind:
    """Return what an edge of this type ends at."""
    if edge_type == EdgeType.MENTIONS:
        return NodeKind.ENTITY
    return NodeKind.SOURCE if "Source" in labels else NodeKind.MEMORY


def edge(edge_type: str, source: str, target: str, kind: NodeKind, properties: Mapping[str, Any]) -> Edge:
    """Return a relationship as an Edge."""
    return Edge(
        EdgeType(edge_type),
        source,
        target,
        kind,
        float(properties["weight"]),
        float(properties["confidence"]),
        properties["valid_from"],
        properties["valid_to"],
        properties["recorded_from"],
        properties["recorded_to"],
        properties["opened_by"],
        properties.get("closed_by"),
        properties_of(properties.get("properties")),
    )


def entity_row(entity: Entity) -> dict[str, Any]:
    """Return an entity as a row."""
    return {"id": entity.id, "name": entity.name, "kind": entity.kind}


def source_row(source: Source) -> dict[str, Any]:
    """Return a source as a row."""
    properties = {
        "kind": source.kind,
        "role": source.role,
        "content": source.content,
        "uri": source.uri,
    }
    return {"id": source.id, "chat_time": pair(source.chat_time), "properties": properties}


def source(properties: Mapping[str, Any]) -> Source:
    """Return the properties of a Source node as a Source."""
    return Source(
        properties["id"],
        properties["kind"],
        properties.get("role"),
        properties.get("content"),
        properties.get("chat_time"),
        properties.get("uri"),
    )


def cube_info(row: Mapping[str, Any]) -> CubeInfo:
    """Return what a statement says of a cube."""
    model = None if row["embedder"] is None else Model(row["embedder"], row["dimension"])
    return CubeInfo(row["id"], row["clock"], model, row["epoch"], row["loading"])


def operation_row(operation: Operation) -> dict[str, Any]:
    """Return an operation as a row."""
    properties = {
        "kind": operation.kind,
        "status": operation.status,
        "actor": operation.actor,
        "reason": operation.reason,
        "part_of": operation.part_of,
        "undoes": operation.undoes,
        "payload_hash": operation.payload_hash,
        "receipt": canonical_json(dict(operation.receipt)),
        "touched": list(operation.touched),
    }
    return {"id": operation.id, "recorded_at": pair(operation.recorded_at), "properties": properties}


def operation(properties: Mapping[str, Any]) -> Operation:
    """Return the properties of an Operation node as an Operation."""
    return Operation(
        id=properties["id"],
        kind=properties["kind"],
        recorded_at=properties["recorded_at"],
        status=properties["status"],
        actor=properties.get("actor"),
        reason=properties.get("reason"),
        part_of=properties.get("part_of"),
        undoes=properties.get("undoes"),
        payload_hash=properties.get("payload_hash", ""),
        receipt=json.loads(properties.get("receipt", "{}")),
        touched=tuple(properties.get("touched", ())),
    )
