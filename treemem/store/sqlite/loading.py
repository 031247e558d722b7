"""Whole cubes of the embedded store: loading an archive, changing the model, erasing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from treemem.canonical import Vectors, canonical_json
from treemem.changes import Edge, Model, NodeKind, State
from treemem.errors import ConflictError
from treemem.store.protocol import LOADING, CubeInfo, Rows
from treemem.store.shared import claim_lost, properties_text
from treemem.store.sqlite import rows
from treemem.store.sqlite.statements import statement

#: From kind and id of nodes to their numbers.
Numbers = dict[tuple[NodeKind, str], int]


def begin(conn: sqlite3.Connection, info: CubeInfo, archive: str) -> None:
    """Make a cube for an archive, or find it begun, inside the open write transaction."""
    conn.execute(statement("begin_load"), {**_given(info), "clock": LOADING, "archive": archive})
    _claimed(conn, info.id, archive)


def load(conn: sqlite3.Connection, batch: Rows, archive: str) -> None:
    """Write rows of the archive that is being loaded inside the open write transaction."""
    _write(conn, _claimed(conn, batch.info.id, archive), batch)


def end(conn: sqlite3.Connection, info: CubeInfo, archive: str) -> None:
    """Show what was loaded, inside the open write transaction."""
    num = _claimed(conn, info.id, archive)
    conn.execute("UPDATE cube SET clock = ?, loading = NULL, epoch = epoch + 1 WHERE num = ?", (info.clock, num))


def add(conn: sqlite3.Connection, batch: Rows) -> None:
    """Write rows into a cube that holds others inside the open write transaction."""
    (num,) = conn.execute(statement("merge_cube"), _given(batch.info)).fetchone()
    _write(conn, num, batch)


def _given(info: CubeInfo) -> dict[str, Any]:
    model = info.model
    return {
        "cube": info.id,
        "clock": info.clock,
        "embedder": model and model.name,
        "dimension": model and model.dimension,
    }


def _claimed(conn: sqlite3.Connection, cube: str, archive: str) -> int:
    """Return the number of the cube into which the archive is being loaded."""
    found = conn.execute("SELECT num, loading FROM cube WHERE id = ?", (cube,)).fetchone()
    if found is None or found[1] != archive:
        raise claim_lost(cube)
    return int(found[0])


def _write(conn: sqlite3.Connection, cube: int, batch: Rows) -> None:
    for o in batch.operations:
        conn.execute(
            statement("load_operation"),
            (
                cube,
                o.id,
                o.kind,
                o.recorded_at,
                o.status,
                o.actor,
                o.reason,
                o.part_of,
                o.undoes,
                o.payload_hash,
                canonical_json(dict(o.receipt)),
                json.dumps(list(o.touched)),
            ),
        )
    into = "INSERT INTO node (num, cube, kind, id, name, attributes) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    conn.executemany(into, [(None, *rows.entity_row(cube, 0, e)[1:]) for e in batch.entities])
    conn.executemany(into, [(None, *rows.source_row(cube, 0, s)[1:]) for s in batch.sources])
    last = {s.memory_id: s.version for s in batch.states}
    conn.executemany(
        statement("load_memory"),
        [(cube, memory_id, version) for memory_id, version in last.items()],
    )
    nodes, operations = _numbers(conn, cube, batch), _operations(conn, cube, batch)
    _refuse_loose(batch, nodes, operations)
    for state in batch.states:
        _state(conn, cube, state, nodes, operations)
    for edge in batch.edges:
        _edge(conn, cube, edge, nodes, operations)
    for tombstone in batch.tombstones:
        conn.execute(statement("load_tombstone"), {"cube": cube, **tombstone._asdict()})
    for used in batch.usage:
        conn.execute(statement("load_usage"), {"cube": cube, **used._asdict()})


def _numbers(conn: sqlite3.Connection, cube: int, batch: Rows) -> Numbers:
    wanted = {(NodeKind.MEMORY.value, s.memory_id) for s in batch.states}
    for edge in batch.edges:
        wanted |= {(NodeKind.MEMORY.value, edge.source), (edge.target_kind.value, edge.target)}
    found = conn.execute(statement("nodes_by_key"), {"cube": cube, "wanted": rows.listed(wanted)})
    return {(NodeKind(kind), node_id): num for kind, node_id, num in found}


def _operations(conn: sqlite3.Connection, cube: int, batch: Rows) -> dict[str | None, int | None]:
    touched: list[State | Edge] = [*batch.states, *batch.edges]
    wanted = {each for row in touched for each in (row.opened_by, row.closed_by)}
    found: dict[str | None, int | None] = {None: None}
    given = {"cube": cube, "ids": rows.listed(wanted - {None})}
    for operation, num in conn.execute(statement("operation_numbers"), given):
        found[operation] = num
    return found


def _refuse_loose(batch: Rows, nodes: Numbers, operations: dict[str | None, int | None]) -> None:
    """Raise ConflictError if what the rows refer to is not there: another process erased the cube meanwhile."""
    ends = {(NodeKind.MEMORY, e.source) for e in batch.edges} | {(e.target_kind, e.target) for e in batch.edges}
    rows_of_operations: list[State | Edge] = [*batch.states, *batch.edges]
    by = {each for row in rows_of_operations for each in (row.opened_by, row.closed_by)}
    if not ends <= nodes.keys() or not by <= operations.keys():
        raise ConflictError(f"cube {batch.info.id!r} was erased while an archive was loaded into it; load it again")


def _state(
    conn: sqlite3.Connection, cube: int, s: State, nodes: Numbers, operations: dict[str | None, int | None]
) -> None:
    conn.execute(
        statement("load_state"),
        (
            cube,
            nodes[NodeKind.MEMORY, s.memory_id],
            s.version,
            s.fields["status"],
            s.fields["memory_type"],
            s.valid_from,
            s.valid_to,
            s.recorded_from,
            s.recorded_to,
            operations[s.opened_by],
            operations[s.closed_by],
            canonical_json(dict(s.fields)),
            s.tokens,
            len(s.content.vectors) - 1,
            rows.blob(s.content.vectors),
        ),
    )


def _edge(
    conn: sqlite3.Connection, cube: int, e: Edge, nodes: Numbers, operations: dict[str | None, int | None]
) -> None:
    row: dict[str, Any] = {
        "cube": cube,
        "type": e.type.value,
        "src": nodes[NodeKind.MEMORY, e.source],
        "dst": nodes[e.target_kind, e.target],
        "weight": e.weight,
        "tiebreak": e.tiebreak,
        "confidence": e.confidence,
        "valid_from": e.valid_from,
        "valid_to": e.valid_to,
        "recorded_from": e.recorded_from,
        "recorded_to": e.recorded_to,
        "opened_by": operations[e.opened_by],
        "closed_by": operations[e.closed_by],
        "properties": properties_text(e),
    }
    conn.execute(statement("load_edge"), row)


def stage(conn: sqlite3.Connection, cube: str, embedder: str, vectors: Sequence[tuple[str, int, Vectors]]) -> None:
    """Keep new vectors of states, as (memory id, version, vectors), inside the open write transaction."""
    num = rows.cube_num(conn, cube)
    conn.executemany(
        statement("stage_vectors"),
        [(embedder, len(own) - 1, rows.blob(own), num, memory_id, version) for memory_id, version, own in vectors],
    )


def switch(conn: sqlite3.Connection, cube: str, model: Model) -> bool:
    """Put the staged vectors in place if every state has one, inside the open write transaction."""
    found = conn.execute("SELECT num, embedder FROM cube WHERE id = ?", (cube,)).fetchone()
    if found is None or found[1] == model.name:
        return True
    given = {"cube": found[0], "embedder": model.name}
    (missing,) = conn.execute(statement("count_unstaged"), given).fetchone()
    if missing:
        return False
    conn.execute(statement("switch_vectors"), (found[0],))
    conn.execute("DELETE FROM staged WHERE state IN (SELECT num FROM state WHERE cube = ?)", (found[0],))
    conn.execute(
        "UPDATE cube SET embedder = ?, dimension = ?, epoch = epoch + 1 WHERE num = ?",
        (model.name, model.dimension, found[0]),
    )
    return True


def erase(conn: sqlite3.Connection, cube: int, name: str) -> None:
    """Erase a cube inside the open write transaction; the caller scrubs the file afterwards."""
    conn.execute("DELETE FROM usage WHERE node IN (SELECT num FROM node WHERE cube = ?)", (cube,))
    for table in ("task", "tombstone", "edge", "state", "node", "operation"):
        conn.execute(f"DELETE FROM {table} WHERE cube = ?", (cube,))
    conn.execute("DELETE FROM lease WHERE cube = ?", (name,))
    conn.execute("DELETE FROM cube WHERE num = ?", (cube,))
