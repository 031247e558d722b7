"""Loading the rows of an archive into Neo4j as they are."""

from __future__ import annotations

from typing import Any

from treemem.changes import Edge, NodeKind, State
from treemem.store.neo4j import erasing, rows
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import statement
from treemem.store.neo4j.writing import write_passages
from treemem.store.protocol import Rows
from treemem.temporal import END_TIME


def load(tx: Transaction, batch: Rows) -> None:
    """Write the rows inside the transaction."""
    cube, model = batch.info.id, batch.info.model
    for found in tx.run(statement("hold_cube"), cube=cube):
        erasing.refuse(found)
    tx.run(
        statement("load_nodes"),
        cube=cube,
        clock=rows.time(batch.info.clock),
        embedder=None if model is None else model.name,
        dimension=None if model is None else model.dimension,
        operations=[rows.operation_row(o) for o in batch.operations],
        entities=[rows.entity_row(e) for e in batch.entities],
        sources=[rows.source_row(s) for s in batch.sources],
        tombstones=[{"id": i, "at": rows.pair(at), "reason": reason} for i, at, reason in batch.tombstones],
    )
    if batch.states:
        tx.run(statement("load_states"), cube=cube, rows=[_state(cube, s) for s in batch.states], end=END_TIME)
        write_passages(tx, cube, batch.states)
    for kind in NodeKind:
        some = [_edge(e) for e in batch.edges if e.target_kind is kind]
        if some:
            tx.run(statement("load_edges", target=kind), cube=cube, rows=some, end=END_TIME)


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
