"""Loading the rows of an archive into Neo4j as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from treemem.changes import Edge, NodeKind, State
from treemem.store.neo4j import erasing, rows
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import statement
from treemem.store.neo4j.writing import write_passages
from treemem.store.protocol import LOADING, CubeInfo, Rows
from treemem.store.shared import claim_lost
from treemem.temporal import END_TIME


def begin(tx: Transaction, info: CubeInfo, archive: str) -> None:
    """Make a cube for an archive, or find it begun, inside the transaction."""
    for found in tx.run(statement("hold_cube"), cube=info.id):
        erasing.refuse(found)
    given = _given(info) | {"clock": rows.time(LOADING)}
    (made,) = tx.run(statement("begin_load"), archive=archive, **given)
    if made["loading"] != archive:
        raise claim_lost(info.id)


def load(tx: Transaction, batch: Rows, archive: str) -> None:
    """Write rows of the archive that is being loaded inside the transaction."""
    _hold(tx, batch.info.id, archive)
    _write(tx, batch)


def end(tx: Transaction, info: CubeInfo, archive: str) -> None:
    """Show what was loaded, inside the transaction."""
    _hold(tx, info.id, archive)
    tx.run(statement("end_load"), cube=info.id, clock=rows.time(info.clock))


def _hold(tx: Transaction, cube: str, archive: str) -> None:
    """Take the lock of the cube into which the archive is being loaded."""
    found = tx.run(statement("hold_cube"), cube=cube)
    for row in found:
        erasing.refuse(row)
    if not found or found[0]["loading"] != archive:
        raise claim_lost(cube)


def _given(info: CubeInfo) -> dict[str, Any]:
    model = info.model
    return {
        "cube": info.id,
        "clock": rows.time(info.clock),
        "embedder": None if model is None else model.name,
        "dimension": None if model is None else model.dimension,
    }


def _write(tx: Transaction, batch: Rows) -> None:
    cube = batch.info.id
    tx.run(
        statement("load_nodes"),
        cube=cube,
        operations=[rows.operation_row(o) for o in batch.operations],
        entities=[rows.entity_row(e) for e in batch.entities],
        sources=[rows.source_row(s) for s in batch.sources],
        tombstones=[
            {"id": t.id, "at": rows.pair(t.purged_at), "reason": t.reason, "operation": t.operation}
            for t in batch.tombstones
        ],
    )
    if batch.states:
        tx.run(statement("load_states"), cube=cube, rows=[_state(cube, s) for s in batch.states], end=END_TIME)
        write_passages(tx, cube, batch.states)
    if batch.usage:
        used = [{"id": u.id, "recalls": u.recalls, "last": rows.pair(u.last)} for u in batch.usage]
        tx.run(statement("load_usage"), cube=cube, rows=used)
    for kind in NodeKind:
        some = [_edge(e) for e in batch.edges if e.target_kind is kind]
        if some:
            tx.run(statement("load_edges", target=kind), cube=cube, rows=some, end=END_TIME)


def add(tx: Transaction, info: CubeInfo, batches: Iterable[Rows]) -> bool:
    """Write batches inside the transaction if the cube is the one that was seen; return whether it is."""
    found = tx.run(statement("hold_cube"), cube=info.id)
    if info.loading is not None or not found or found[0]["clock"] is None or rows.cube_info(found[0]) != info:
        return False
    for batch in batches:
        tx.run(statement("merge_cube"), **_given(batch.info))
        _write(tx, batch)
    return True


def _state(cube: str, state: State) -> dict[str, Any]:
    return rows.state_row(cube, state) | {
        "recorded_from": rows.pair(state.recorded_from),
        "recorded_to": rows.pair(state.recorded_to),
        "opened_by": state.opened_by,
        "closed_by": state.closed_by,
    }


def _edge(edge: Edge) -> dict[str, Any]:
    return rows.edge_row(edge) | {
        "recorded_from": rows.pair(edge.recorded_from),
        "recorded_to": rows.pair(edge.recorded_to),
        "opened_by": edge.opened_by,
        "closed_by": edge.closed_by,
    }
