"""purge on Neo4j, inside one managed transaction."""

from __future__ import annotations

from treemem.changes import ChangeSet, Erasure, NodeKind, Receipt, State
from treemem.store.neo4j import rows
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import statement
from treemem.store.neo4j.writing import begin_change, write_nodes, write_passages
from treemem.store.shared import refuse_newer
from treemem.temporal import END_TIME


def purge(tx: Transaction, changes: ChangeSet, erasure: Erasure) -> Receipt:
    """Erase memories and rewrite what holds their words; raises AlreadyApplied where that was done before."""
    recorded_at, _ = begin_change(tx, changes)
    cube, ids = changes.cube, list(erasure.ids)
    newer = list(
        tx.run(
            statement("newer_than"), cube=cube, ids=erasure.watched, read_at=rows.time(erasure.read_at), end=END_TIME
        )
    )
    refuse_newer(newer[0]["id"] if newer else None)
    if erasure.reasons:
        tx.run(statement("forget_reasons"), cube=cube, ids=list(erasure.reasons))
    if erasure.tombstones:
        tx.run(statement("forget_tombstones"), cube=cube, ids=list(erasure.tombstones))
    if erasure.redacted:
        tx.run(statement("redact_states"), cube=cube, rows=[_redaction(cube, s) for s in erasure.redacted])
        write_passages(tx, cube, erasure.redacted)
    found = list(
        tx.run(
            statement("purge_memories"),
            cube=cube,
            ids=ids,
            at=rows.time(recorded_at),
            reason=changes.reason,
            actor=changes.actor,
            operation=changes.operation,
        )
    )
    if erasure.mentions:
        pairs = [{"id": memory_id, "operation": operation} for memory_id, operation in erasure.mentions]
        found += tx.run(statement("purge_mentions"), cube=cube, pairs=pairs)
    ends = {(is_entity, node_id) for row in found for is_entity, node_id in row["ends"] if node_id is not None}
    for is_entity, kind in ((True, NodeKind.ENTITY), (False, NodeKind.SOURCE)):
        orphans = sorted(node_id for flag, node_id in ends if flag == is_entity)
        if orphans:
            tx.run(statement("purge_orphans", target=kind), cube=cube, ids=orphans)
    states, edges = sum(row["states"] for row in found), sum(row["edges"] for row in found)
    receipt = Receipt(changes.operation, recorded_at, 0, states, 0, edges)
    write_nodes(tx, changes, receipt, ids)
    return receipt


def _redaction(cube: str, state: State) -> dict[str, object]:
    """Return a state with its new content as a row: what it says, without its times."""
    return {
        "id": state.memory_id,
        "version": state.version,
        "properties": rows.state_properties(cube, state),
        "caption": rows.cache(state)["caption"],
        "embedding": rows.vector(state.content.embedding),
    }
