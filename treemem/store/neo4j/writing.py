"""apply on Neo4j: the steps of the apply protocol, inside one managed transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from treemem.canonical import canonical_json
from treemem.changes import ChangeSet, Edge, EdgeType, Entity, NodeKind, Receipt, Source, State
from treemem.errors import OperationMismatchError
from treemem.store import resolve
from treemem.store.neo4j import erasing, rows, tasks
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import statement
from treemem.store.protocol import Lease
from treemem.store.shared import (
    check_lease,
    check_model,
    operation_mismatch,
    receipt_of,
    refuse_end,
    refuse_loading,
    refuse_taken_batch,
)
from treemem.temporal import END_TIME

#: How many rows one statement writes; a change set has at most a thousand of them.
BATCH = 500
N = TypeVar("N", Entity, Source)


class AlreadyApplied(Exception):
    """Leaves the transaction without a commit: the operation was done before."""

    def __init__(self, receipt: Receipt) -> None:
        super().__init__(receipt.operation)
        self.receipt = receipt


def apply(tx: Transaction, changes: ChangeSet, lease: Lease | None = None) -> Receipt:
    """Write a change set inside the transaction; raises AlreadyApplied instead of writing twice."""
    if lease is not None:
        found = list(tx.run(statement("check_lease"), cube=lease.cube, holder=lease.holder, fence=lease.fence))
        check_lease(lease, (lease.holder, lease.fence) if found else None)
    recorded_at, versions = begin_change(tx, changes)
    known = _read_known(tx, changes, versions)
    resolve.check(changes, known)
    result = resolve.resolve(changes, known, recorded_at)
    receipt = result.receipt(changes.operation, recorded_at)
    write_nodes(tx, changes, receipt, result.touched())
    _close(tx, changes, recorded_at, result)
    _open(tx, changes, recorded_at, result)
    if changes.tasks:
        tasks.add(tx, changes.cube, changes.tasks, changes.most_waiting)
    return receipt


def begin_change(tx: Transaction, changes: ChangeSet) -> tuple[int, dict[str, int]]:
    """Return the transaction time and the last versions of the memories touched."""
    model = changes.model
    (row,) = tx.run(
        statement("begin_change"),
        cube=changes.cube,
        now=rows.time(changes.now),
        operation=changes.operation,
        batch=None if changes.part is None else changes.part.parent,
        ids=resolve.memory_ids(changes),
        embedder=None if model is None else model.name,
        dimension=None if model is None else model.dimension,
    )
    erasing.refuse(row)
    if row["operation"] is not None:
        earlier = rows.operation(row["operation"])
        if earlier.payload_hash != changes.payload_hash():
            raise OperationMismatchError(operation_mismatch(changes))
        raise AlreadyApplied(receipt_of(earlier))
    refuse_taken_batch(changes, None if row["batch"] is None else rows.operation(row["batch"]))
    refuse_loading(changes.cube, row["loading"])
    check_model(changes.cube, row["embedder"], row["dimension"], model)
    refuse_end(changes.cube, int(row["clock"]))
    return int(row["clock"]), dict(row["versions"])


def _read_known(tx: Transaction, changes: ChangeSet, versions: dict[str, int]) -> resolve.Known:
    known = resolve.Known(versions=versions)
    if changes.log is not None:
        ends = tx.run(statement("log_end"), cube=changes.cube, **rows.of_log(changes.log))
        known.log_end = max((0, *(row["number"] for row in ends)))
    asserted = sorted({s.memory_id for s in changes.states} & known.versions.keys())
    _read_states(tx, changes.cube, asserted, END_TIME_KNOWN, known.states)
    again = [i for i in resolve.to_create(changes) if i in known.versions]
    _read_states(tx, changes.cube, again, None, known.earlier)
    by_kind: dict[NodeKind, list[list[str]]] = defaultdict(list)
    fresh = {e.id for e in changes.entities} | {s.id for s in changes.sources}
    wanted: dict[NodeKind, set[str]] = defaultdict(set)
    for edge in changes.edges:
        if edge.source in known.versions:
            by_kind[edge.target_kind].append([edge.type.value, edge.source, edge.target])
        if edge.target_kind is not NodeKind.MEMORY and edge.target not in fresh:
            wanted[edge.target_kind].add(edge.target)
    for kind, targets in wanted.items():
        found = tx.run(statement("present", target=kind), cube=changes.cube, ids=sorted(targets))
        known.present.update((kind, row["id"]) for row in found)
    for kind, pairs in by_kind.items():
        text = statement("known_edges", target=kind)
        for row in tx.run(text, cube=changes.cube, pairs=sorted(pairs), end=END_TIME):
            edge_found = rows.edge(row["type"], row["source"], row["target"], kind, row["edge"])
            there = known.edges.setdefault(edge_found.key, [])
            if edge_found not in there:
                there.append(edge_found)
    children, parents = resolve.parent_targets(changes)
    if children:
        ids = sorted({*children, *parents})
        for row in tx.run(statement("ancestors"), cube=changes.cube, ids=ids, end=END_TIME):
            known.parents.append(rows.edge(EdgeType.PARENT, row["source"], row["target"], NodeKind.MEMORY, row["edge"]))
    return known


#: Known now: `recorded_to > END - 1 microsecond` holds for END alone.
END_TIME_KNOWN = END_TIME.replace(microsecond=999998)


def _read_states(tx: Transaction, cube: str, ids: Sequence[str], known_at: Any, into: dict[str, list[Any]]) -> None:
    if ids:
        for row in tx.run(statement("states_of"), cube=cube, ids=ids, known_at=known_at):
            state = rows.state(row["state"])
            into.setdefault(state.memory_id, []).append(state)


def write_nodes(tx: Transaction, changes: ChangeSet, receipt: Receipt, touched: Sequence[str]) -> None:
    """Write the operation, the batch it is part of, entities and sources."""
    part = changes.part
    common = {
        "kind": changes.kind,
        "recorded_at": rows.time(receipt.recorded_at),
        "actor": changes.actor,
        "reason": changes.reason,
    }
    parents = (
        [] if part is None else [{"id": part.parent, "created": common, "status": "done" if part.last else "open"}]
    )
    properties = common | {
        "status": "done",
        "part_of": None if part is None else part.parent,
        "undoes": changes.undoes,
        "payload_hash": changes.payload_hash(),
        "receipt": canonical_json(receipt.plain()),
        "touched": list(touched),
    }
    tx.run(
        statement("write_nodes"),
        cube=changes.cube,
        operation=changes.operation,
        parents=parents,
        properties=properties,
        entities=[rows.entity_row(e) for e in _once(changes.entities)],
        sources=[rows.source_row(s) for s in _once(changes.sources)],
    )


def _once(many: Iterable[N]) -> list[N]:
    """Return nodes without repetition, in the order in which their locks are taken."""
    return [each for _, each in sorted({each.id: each for each in many}.items())]


def _close(tx: Transaction, changes: ChangeSet, recorded_at: int, result: resolve.Resolution) -> None:
    at = rows.time(recorded_at)
    states = [
        {"id": s.memory_id, "version": s.version, "scope": rows.scope(changes.cube, s, recorded_at)}
        for s in result.close_states
    ]
    for some in _batches(states):
        scope = rows.scope_token(changes.cube)
        tx.run(statement("close_states"), cube=changes.cube, rows=some, at=at, operation=changes.operation, scope=scope)
    for kind, closing in _by_kind(result.close_edges).items():
        edges = [
            {"type": e.type.value, "source": e.source, "target": e.target, "valid_from": rows.pair(e.valid_from)}
            for e in closing
        ]
        for some in _batches(edges):
            tx.run(
                statement("close_edges", target=kind),
                cube=changes.cube,
                rows=some,
                at=at,
                end=END_TIME,
                operation=changes.operation,
            )


def _open(tx: Transaction, changes: ChangeSet, recorded_at: int, result: resolve.Resolution) -> None:
    common = {
        "cube": changes.cube,
        "at": rows.time(recorded_at),
        "end": END_TIME,
        "operation": changes.operation,
    }
    beside, apart = _beside(result)
    opening = [rows.state_row(changes.cube, s, beside.pop(s.memory_id, ())) for s in result.open_states]
    for some in _batches(opening):
        tx.run(statement("open_states"), rows=some, **common)
    write_passages(tx, changes.cube, result.open_states)
    for kind, edges in _by_kind(apart).items():
        for some in _batches([rows.edge_row(e) for e in edges]):
            tx.run(statement("open_edges", target=kind), rows=some, **common)


def write_passages(tx: Transaction, cube: str, states: Iterable[State]) -> None:
    """Write the passages of states that were just written."""
    for some in _batches([row for state in states for row in rows.passage_rows(state)]):
        tx.run(statement("write_passages"), cube=cube, rows=some, scope=rows.scope_token(cube))


def _beside(result: resolve.Resolution) -> tuple[dict[str, list[Edge]], list[Edge]]:
    """Return the edges that open with the state they start at, by its memory, and those that wait for their ends."""
    opened = {s.memory_id for s in result.open_states}
    at_once = len(result.open_states) <= BATCH
    beside: dict[str, list[Edge]] = defaultdict(list)
    apart: list[Edge] = []
    for edge in result.open_edges:
        has_end = edge.target_kind is not NodeKind.MEMORY or at_once or edge.target not in opened
        (beside[edge.source] if edge.source in opened and has_end else apart).append(edge)
    return beside, apart


def _by_kind(edges: Iterable[Edge]) -> dict[NodeKind, list[Edge]]:
    found: dict[NodeKind, list[Edge]] = defaultdict(list)
    for edge in edges:
        found[edge.target_kind].append(edge)
    return found


def _batches(many: list[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    return (many[i : i + BATCH] for i in range(0, len(many), BATCH))
