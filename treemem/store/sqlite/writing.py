"""apply on the embedded store: the steps of the apply protocol, inside one write transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from treemem.canonical import canonical_json
from treemem.changes import ChangeSet, NodeKind, Operation, Receipt, State
from treemem.errors import OperationMismatchError
from treemem.store import resolve
from treemem.store.shared import (
    check_model,
    operation_mismatch,
    properties_text,
    receipt_of,
    refuse_end,
    refuse_loading,
    refuse_taken_batch,
)
from treemem.store.sqlite import conversations, rows, tasks
from treemem.store.sqlite.statements import statement
from treemem.temporal import END

#: A node by kind and id.
Key = tuple[NodeKind, str]


def apply(conn: sqlite3.Connection, changes: ChangeSet) -> Receipt:
    """Write a change set inside the open write transaction."""
    cube, recorded_at = take_cube(conn, changes)
    earlier = find_operation(conn, cube, changes.operation)
    if earlier is not None:
        if earlier.payload_hash != changes.payload_hash():
            raise OperationMismatchError(operation_mismatch(changes))
        return receipt_of(earlier)
    part = changes.part
    refuse_taken_batch(changes, None if part is None else find_operation(conn, cube, part.parent))
    refuse_end(changes.cube, recorded_at)
    _tick(conn, cube, recorded_at)
    nums = _node_numbers(conn, cube, changes)
    known = _read_known(conn, changes, nums)
    if changes.log is not None:
        known.log_end = conversations.log_end(conn, cube, changes.log)
    resolve.check(changes, known)
    result = resolve.resolve(changes, known, recorded_at)
    receipt = result.receipt(changes.operation, recorded_at)
    number = insert_operation(conn, cube, changes, receipt, result.touched())
    _write_nodes(conn, cube, changes, result, nums)
    _write_states(conn, cube, number, recorded_at, result, nums)
    _write_edges(conn, cube, number, recorded_at, result, nums)
    if changes.tasks:
        tasks.add(conn, cube, changes.cube, changes.tasks, changes.most_waiting)
    return receipt


def take_cube(conn: sqlite3.Connection, changes: ChangeSet) -> tuple[int, int]:
    """Return the number of a cube, made where it is new, and the time of this transaction."""
    row = conn.execute(
        "SELECT num, clock, embedder, dimension, loading FROM cube WHERE id = ?", (changes.cube,)
    ).fetchone()
    model = changes.model
    if row is None:
        # The number may have been a dropped cube's; an epoch of its own keeps what is in memory of that one apart.
        cursor = conn.execute(
            "INSERT INTO cube (id, clock, epoch, embedder, dimension) VALUES (?, ?, random() >> 2, ?, ?)",
            (changes.cube, changes.now - 1, model and model.name, model and model.dimension),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid, changes.now
    num, clock, embedder, dimension, loading = row
    refuse_loading(changes.cube, loading)
    check_model(changes.cube, embedder, dimension, model)
    if model is not None and embedder is None:
        conn.execute("UPDATE cube SET embedder = ?, dimension = ? WHERE num = ?", (model.name, model.dimension, num))
    return int(num), changes.now if changes.now > clock else clock + 1


def _tick(conn: sqlite3.Connection, cube: int, recorded_at: int) -> None:
    conn.execute("UPDATE cube SET clock = ? WHERE num = ?", (recorded_at, cube))


def find_operation(conn: sqlite3.Connection, cube: int, operation: str) -> Operation | None:
    """Return an operation of a cube, None if there is none of this id."""
    row = conn.execute(statement("operation"), (cube, operation)).fetchone()
    return None if row is None else rows.operation(row)


def _node_numbers(conn: sqlite3.Connection, cube: int, changes: ChangeSet) -> dict[Key, tuple[int, int]]:
    """Return (number, last version) of the nodes that the change set names and that exist."""
    wanted: dict[NodeKind, set[str]] = {NodeKind.MEMORY: set(resolve.memory_ids(changes))}
    wanted[NodeKind.ENTITY] = {e.id for e in changes.entities}
    wanted[NodeKind.SOURCE] = {s.id for s in changes.sources}
    for edge in changes.edges:
        wanted[edge.target_kind].add(edge.target)
    given = {kind.value: rows.listed(ids) for kind, ids in wanted.items()}
    found = conn.execute(statement("node_numbers"), {"cube": cube, **given})
    return {(NodeKind(kind), node_id): (num, version) for kind, node_id, num, version in found}


def _read_known(conn: sqlite3.Connection, changes: ChangeSet, nums: dict[Key, tuple[int, int]]) -> resolve.Known:
    known = resolve.Known(
        versions={node_id: version for (kind, node_id), (_, version) in nums.items() if kind is NodeKind.MEMORY},
        present={(kind, node_id) for kind, node_id in nums if kind is not NodeKind.MEMORY},
    )
    asserted = {nums[NodeKind.MEMORY, s.memory_id][0] for s in changes.states if s.memory_id in known.versions}
    if asserted:
        for row in conn.execute(statement("states_of_nodes"), {"nodes": rows.listed(asserted), "recorded_to": END}):
            state = rows.state(row)
            known.states.setdefault(state.memory_id, []).append(state)
    again = [nums[NodeKind.MEMORY, i][0] for i in resolve.to_create(changes) if i in known.versions]
    if again:
        for row in conn.execute(statement("states_of_nodes"), {"nodes": rows.listed(again), "recorded_to": None}):
            state = rows.state(row)
            known.earlier.setdefault(state.memory_id, []).append(state)
    pairs = [
        [e.type.value, nums[NodeKind.MEMORY, e.source][0], nums[e.target_kind, e.target][0]]
        for e in changes.edges
        if (NodeKind.MEMORY, e.source) in nums and (e.target_kind, e.target) in nums
    ]
    if pairs:
        for row in conn.execute(statement("known_edges"), {"pairs": rows.listed(pairs), "end": END}):
            edge = rows.edge(row)
            if edge not in known.edges.setdefault(edge.key, []):
                known.edges[edge.key].append(edge)
    children, parents = resolve.parent_targets(changes)
    start = [nums[NodeKind.MEMORY, i][0] for i in {*children, *parents} if (NodeKind.MEMORY, i) in nums]
    if start:
        found = conn.execute(statement("ancestors"), {"nodes": rows.listed(start), "end": END})
        known.parents = [rows.edge(row) for row in found]
    return known


def insert_operation(
    conn: sqlite3.Connection, cube: int, changes: ChangeSet, receipt: Receipt, touched: Sequence[str]
) -> int:
    """Write the operation, and the batch it is part of, and return its number."""
    part = changes.part
    if part is not None:
        batch = {
            "cube": cube,
            "id": part.parent,
            "kind": changes.kind,
            "recorded_at": receipt.recorded_at,
            "status": "done" if part.last else "open",
            "actor": changes.actor,
            "reason": changes.reason,
        }
        conn.execute(statement("write_batch"), batch)
    cursor = conn.execute(
        statement("write_operation"),
        (
            cube,
            changes.operation,
            changes.kind,
            receipt.recorded_at,
            changes.actor,
            changes.reason,
            part and part.parent,
            changes.undoes,
            changes.payload_hash(),
            canonical_json(receipt.plain()),
            json.dumps(touched),
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def _write_nodes(
    conn: sqlite3.Connection,
    cube: int,
    changes: ChangeSet,
    result: resolve.Resolution,
    nums: dict[Key, tuple[int, int]],
) -> None:
    free = conn.execute("SELECT coalesce(max(num), 0) FROM node").fetchone()[0]
    fresh = []
    for entity in changes.entities:
        if (NodeKind.ENTITY, entity.id) not in nums:
            free += 1
            nums[NodeKind.ENTITY, entity.id] = (free, 0)
            fresh.append(rows.entity_row(cube, free, entity))
    for source in changes.sources:
        if (NodeKind.SOURCE, source.id) not in nums:
            free += 1
            nums[NodeKind.SOURCE, source.id] = (free, 0)
            fresh.append(rows.source_row(cube, free, source))
    memories, advanced = [], []
    for memory_id, version in result.versions.items():
        if (NodeKind.MEMORY, memory_id) not in nums:
            free += 1
            nums[NodeKind.MEMORY, memory_id] = (free, version)
            memories.append((free, cube, NodeKind.MEMORY.value, memory_id, version))
        elif nums[NodeKind.MEMORY, memory_id][1] != version:
            advanced.append((version, nums[NodeKind.MEMORY, memory_id][0]))
    if fresh:
        conn.executemany("INSERT INTO node (num, cube, kind, id, name, attributes) VALUES (?, ?, ?, ?, ?, ?)", fresh)
    if memories:
        conn.executemany("INSERT INTO node (num, cube, kind, id, version) VALUES (?, ?, ?, ?, ?)", memories)
    if advanced:
        conn.executemany("UPDATE node SET version = ? WHERE num = ?", advanced)


def _write_states(
    conn: sqlite3.Connection,
    cube: int,
    operation: int,
    recorded_at: int,
    result: resolve.Resolution,
    nums: dict[Key, tuple[int, int]],
) -> None:
    def node(state: State) -> int:
        return nums[NodeKind.MEMORY, state.memory_id][0]

    if result.close_states:
        conn.executemany(
            "UPDATE state SET recorded_to = ?, closed_by = ? WHERE node = ? AND version = ?",
            [(recorded_at, operation, node(s), s.version) for s in result.close_states],
        )
    conn.executemany(
        statement("open_states"),
        [
            (
                cube,
                node(s),
                s.version,
                s.fields["status"],
                s.fields["memory_type"],
                s.valid_from,
                s.valid_to,
                s.recorded_from,
                s.recorded_to,
                operation,
                canonical_json(dict(s.fields)),
                s.tokens,
                len(s.content.vectors) - 1,
                rows.blob(s.content.vectors),
            )
            for s in result.open_states
        ],
    )


def _write_edges(
    conn: sqlite3.Connection,
    cube: int,
    operation: int,
    recorded_at: int,
    result: resolve.Resolution,
    nums: dict[Key, tuple[int, int]],
) -> None:
    def ends(source: str, target: str, kind: NodeKind) -> tuple[int, int]:
        return nums[NodeKind.MEMORY, source][0], nums[kind, target][0]

    if result.close_edges:
        conn.executemany(
            statement("close_edges"),
            [
                (recorded_at, operation, *ends(e.source, e.target, e.target_kind), e.type.value, e.valid_from, END)
                for e in result.close_edges
            ],
        )
    conn.executemany(
        statement("open_edges"),
        [
            (
                cube,
                e.type.value,
                *ends(e.source, e.target, e.target_kind),
                e.tiebreak,
                e.weight,
                e.confidence,
                e.valid_from,
                e.valid_to,
                e.recorded_from,
                e.recorded_to,
                operation,
                properties_text(e),
            )
            for e in result.open_edges
        ],
    )
