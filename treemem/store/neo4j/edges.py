"""Every edge ever recorded from some memories."""

from __future__ import annotations

from collections.abc import Sequence

from treemem.changes import Edge
from treemem.store.neo4j import rows
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import statement
from treemem.store.shared import edge_order


def edges_from(tx: Transaction, cube: str, ids: Sequence[str]) -> list[Edge]:
    """Return every edge ever recorded from these memories, in the order of `edge_order`."""
    found = tx.run(statement("edges_from"), cube=cube, ids=list(ids))
    edges = (
        rows.edge(r["type"], r["source"], r["target"], rows.kind_of(r["type"], r["labels"]), r["edge"]) for r in found
    )
    return sorted(edges, key=edge_order)
