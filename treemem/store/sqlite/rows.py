"""Rows of the embedded store to plain data and back."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from treemem.canonical import Vectors, canonical_json
from treemem.changes import Edge, EdgeType, Entity, NodeKind, Operation, Source, State
from treemem.store.shared import properties_of


def blob(vectors: Vectors) -> bytes:
    """Return vectors, one after the other, as little-endian float32."""
    return np.ascontiguousarray(vectors, dtype="<f4").tobytes()


def state(row: Sequence[Any]) -> State:
    """Return what the fragment `state_columns` reads as a State."""
    memory_id, version, fields, vf, vt, rf, rt, opened, closed, tokens, passages, embedding = row
    vectors = None
    if embedding is not None:
        vectors = np.frombuffer(embedding, dtype="<f4").astype(np.float32, copy=False).reshape(1 + passages, -1)
    return State(memory_id, version, json.loads(fields), vf, vt, rf, rt, opened, closed, vectors, tokens)


def edge(row: Sequence[Any]) -> Edge:
    """Return what the fragment `edge_columns` reads as an Edge."""
    kind, source, target, target_kind, *rest = row
    rest[-1] = properties_of(rest[-1])
    return Edge(EdgeType(kind), source, target, NodeKind(target_kind), *rest)


def operation(row: Sequence[Any]) -> Operation:
    """Return what the fragment `operation_columns` reads as an Operation."""
    return Operation(
        id=row[0],
        kind=row[1],
        recorded_at=row[2],
        status=row[3],
        actor=row[4],
        reason=row[5],
        part_of=row[6],
        undoes=row[7],
        payload_hash=row[8],
        receipt=json.loads(row[9]),
        touched=tuple(json.loads(row[10])),
    )


def entity_row(cube: int, num: int, entity: Entity) -> tuple[Any, ...]:
    """Return an entity as a row of `node`."""
    return (num, cube, NodeKind.ENTITY.value, entity.id, entity.name, canonical_json({"kind": entity.kind}))


def source_row(cube: int, num: int, source: Source) -> tuple[Any, ...]:
    """Return a source as a row of `node`."""
    attributes = {
        "kind": source.kind,
        "role": source.role,
        "content": source.content,
        "chat_time": source.chat_time,
        "uri": source.uri,
    }
    return (num, cube, NodeKind.SOURCE.value, source.id, None, canonical_json(attributes))


def listed(values: Iterable[Any]) -> str:
    """Return values as JSON, for `json_each` in a statement."""
    return json.dumps(list(values))


def maybe(values: Iterable[Any] | None) -> str | None:
    """Return values as `listed` does, None for none: every value is allowed then."""
    return None if values is None else listed(values)


def cube_num(conn: sqlite3.Connection, cube: str) -> int | None:
    """Return the number of a cube, or None if nothing was ever written to it."""
    row = conn.execute("SELECT num FROM cube WHERE id = ?", (cube,)).fetchone()
    return None if row is None else int(row[0])
