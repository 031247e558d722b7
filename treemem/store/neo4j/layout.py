"""The rows of a cube as the nodes and relationships that this store keeps them in, for files that make a database.

What `load_nodes`, `load_states`, `load_edges` and `write_passages` write, as plain values: times are datetimes in UTC,
vectors are numpy arrays, and what is null is left out. A node's key is unique among those of its label.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from treemem.changes import Edge, Entity, Operation, Source, State
from treemem.store.neo4j import rows
from treemem.store.neo4j.statements import LABELS
from treemem.store.protocol import CubeInfo
from treemem.store.shared import properties_text


class Node(NamedTuple):
    """A node: its label, its key among those of the label, its properties, and the labels that it has beside."""

    label: str
    key: str
    properties: Mapping[str, Any]
    beside: tuple[str, ...] = ()


class Relationship(NamedTuple):
    """A relationship: its type, (label, key) of both ends, and its properties."""

    type: str
    start: tuple[str, str]
    end: tuple[str, str]
    properties: Mapping[str, Any]


def cube_node(info: CubeInfo) -> Node:
    """Return the node of the cube itself, its clock shown to readers."""
    clock = rows.time(info.clock)
    model = info.model
    properties = {
        "id": info.id,
        "clock": clock,
        "shown": clock,
        "lock": True,
        "epoch": 1,
        "embedder": model and model.name,
        "dimension": model and model.dimension,
    }
    return Node("Cube", info.id, _present(properties))


def node_of(cube: str, row: Operation | Entity | Source) -> Node:
    """Return an operation, an entity or a source as its node."""
    label = type(row).__name__
    own: dict[str, Any]
    if isinstance(row, Operation):
        own = rows.operation_row(row)["properties"] | {"recorded_at": rows.time(row.recorded_at)}
    elif isinstance(row, Entity):
        own = {"name": row.name, "kind": row.kind}
    else:
        chat_time = None if row.chat_time is None else rows.time(row.chat_time)
        own = rows.source_row(row)["properties"] | {"chat_time": chat_time}
    return Node(label, row.id, _present({"cube_id": cube, "id": row.id, **own}))


def tombstone_node(cube: str, memory_id: str, at: int, reason: str | None) -> Node:
    """Return the node that stays of a memory that was purged."""
    own = {"cube_id": cube, "id": memory_id, "purged_at": rows.time(at), "reason": reason}
    return Node("Tombstone", memory_id, _present(own))


def memory_node(cube: str, last: State, beside: tuple[str, ...]) -> Node:
    """Return the identity of a memory, which shows its last version, with the labels that it has beside."""
    own = {"cube_id": cube, "id": last.memory_id, **rows.cache(last), "version": last.version, **_times(last)}
    return Node("Memory", last.memory_id, _present(own), beside)


def state_node(cube: str, state: State) -> Node:
    """Return a state."""
    fields = state.fields
    own = {
        "cube_id": cube,
        "id": state.memory_id,
        "version": state.version,
        **rows.state_properties(cube, state),
        **_times(state),
        **_by(state),
        "created_at": rows.time(fields["created_at"]),
        "memory_time": None if fields.get("memory_time") is None else rows.time(fields["memory_time"]),
        "embedding": state.content.vectors[0],
    }
    return Node("State", f"{state.memory_id}/{state.version}", _present(own), rows.former(state))


def passage_nodes(cube: str, state: State) -> list[Node]:
    """Return the passages of a long text, in order; the last ones have the vectors that there are."""
    vectors = state.content.vectors[1:]
    shared = {
        "cube_id": cube,
        "id": state.memory_id,
        "version": state.version,
        "status": state.fields["status"],
        "memory_type": state.fields["memory_type"],
        "scope": rows.passage_scope(cube, state),
        **_times(state),
    }
    found = []
    for number, words, behind in rows.passages_of(state):
        own = {**shared, "number": number, "tokens": words, "embedding": None if behind is None else vectors[behind]}
        found.append(Node("Passage", f"{state.memory_id}/{state.version}/{number}", _present(own)))
    return found


def relationship(edge: Edge) -> Relationship:
    """Return an edge."""
    own = {
        "weight": float(edge.weight),
        "confidence": float(edge.confidence),
        "tiebreak": edge.tiebreak,
        "properties": properties_text(edge),
        **_times(edge),
        **_by(edge),
    }
    end = LABELS[edge.target_kind], edge.target
    return Relationship(edge.type.value, ("Memory", edge.source), end, _present(own))


def _times(row: State | Edge) -> dict[str, Any]:
    return {n: rows.time(getattr(row, n)) for n in ("valid_from", "valid_to", "recorded_from", "recorded_to")}


def _by(row: State | Edge) -> dict[str, Any]:
    return {"opened_by": row.opened_by, "closed_by": row.closed_by}


def _present(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return properties without those that are null, which Neo4j does not keep."""
    return {name: value for name, value in properties.items() if value is not None}
