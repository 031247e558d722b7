"""New memories by one statement: lock, clock, look, rows and receipt, committed and then shown, in one round trip.

`apply` asks the server for the time of a transaction and for what is there, and then makes rows. What only creates
touches nothing that is there, so that its rows can be made before: the time is the machine's, or that after the last
one which this store knows of in the cube. The statement writes only if all was as expected; what was not, a second try
after the time that it tells of or `apply` deals with. Several change sets go together, each at a time of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from treemem.changes import ChangeSet, EdgeAssert, EdgeType, Entity, Log, NodeKind, Receipt, Source
from treemem.errors import TreememError
from treemem.store import resolve
from treemem.store.neo4j import erasing, rows
from treemem.store.neo4j.clocks import LastTimes
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import statement
from treemem.store.neo4j.writing import beside, once, operation_properties
from treemem.temporal import END_TIME

#: How many rows one such statement writes at most.
MOST = 300


def only_creates(changes: ChangeSet) -> bool:
    """Return whether a change set only makes new memories, and edges from them.

    The other end of an edge is what it makes or names itself, or a memory, which has to be there then. What comes into
    a log does so behind the number that was seen to be its last.
    """
    if (
        not changes.states
        or changes.rows > MOST
        or changes.model is None
        or changes.part is not None
        or (changes.log is not None and changes.log_end is None)
        or changes.tasks
        or any(changes.expected.values())
    ):
        return False
    made = {
        NodeKind.MEMORY: {s.memory_id for s in changes.states},
        NodeKind.ENTITY: {e.id for e in changes.entities},
        NodeKind.SOURCE: {s.id for s in changes.sources},
    }
    return (
        len(made[NodeKind.MEMORY]) == len(changes.states)
        and changes.expected.keys() <= made[NodeKind.MEMORY]
        and all(s.create and s.content is not None for s in changes.states)
        and all(not e.remove and e.source in made[NodeKind.MEMORY] for e in changes.edges)
        and all(e.target in made[e.target_kind] or _may_be_there(e) for e in changes.edges)
    )


def _may_be_there(edge: EdgeAssert) -> bool:
    """Return whether an edge from a new memory may end at one that is there; of a tree more would have to be known."""
    return edge.target_kind is NodeKind.MEMORY and edge.type is not EdgeType.PARENT


@dataclass(slots=True)
class _Rows:
    """What one statement writes for several change sets, and what came of each; None for one that is not in it."""

    cube: str
    operations: dict[str, dict[str, Any]] = field(default_factory=dict)
    states: dict[str, dict[str, Any]] = field(default_factory=dict)
    passages: list[dict[str, Any]] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)
    ends: set[str] = field(default_factory=set)
    logs: dict[Log, int] = field(default_factory=dict)
    receipts: list[Receipt | None] = field(default_factory=list)
    times: list[int] = field(default_factory=list)

    def add(self, changes: ChangeSet, clock: int | None) -> None:
        """Add the rows of a change set behind the last one, or else behind the cube's clock."""
        before = self.times[-1] if self.times else clock
        at = changes.now if before is None or changes.now > before else before + 1
        made = {s.memory_id for s in changes.states}
        ends = {e.target for e in changes.edges if e.target_kind is NodeKind.MEMORY} - made
        known = resolve.Known(versions=dict.fromkeys(ends, 1), log_end=changes.log_end or 0)
        try:
            resolve.check(changes, known)
            result = resolve.resolve(changes, known, at)
        except TreememError:
            self.receipts.append(None)  # apply says what is wrong with it
            return
        new = {s.memory_id: s for s in result.open_states}
        if changes.operation in self.operations or new.keys() & self.states.keys() or changes.log in self.logs:
            self.receipts.append(None)  # it comes twice: the one that is written first decides
            return
        if changes.log is not None:
            self.logs[changes.log] = known.log_end
        self.ends |= ends
        receipt = result.receipt(changes.operation, at)
        time = rows.pair(at)
        properties = operation_properties(changes, receipt, result.touched())
        self.operations[changes.operation] = {"id": changes.operation, "at": time, "properties": properties}
        edges, _ = beside(result)
        for state in new.values():
            former = list(rows.former(state))
            self.states[state.memory_id] = rows.state_row(self.cube, state, edges.get(state.memory_id, ())) | {
                "at": time,
                "operation": changes.operation,
                "kinds": list(rows.kinds(state, holds=not former)),
                "former": former,
            }
            self.passages += rows.passage_rows(state)
        self.entities += changes.entities
        self.sources += changes.sources
        self.receipts.append(receipt)
        self.times.append(at)


def create(tx: Transaction, many: Sequence[ChangeSet], last: LastTimes) -> list[Receipt | None]:
    """Write change sets of one cube, which all only create; None for each that `apply` has to write."""
    cube, model = many[0].cube, many[0].model
    assert model is not None
    clock = last.of(cube)
    for _ in range(2):
        made = _Rows(cube)
        for changes in many:
            if changes.model == model:
                made.add(changes, clock)
            else:
                made.receipts.append(None)
        if not made.times:
            break
        first = next(c for c, receipt in zip(many, made.receipts, strict=True) if receipt is not None)
        found = tx.run(
            statement("create_memories"),
            cube=cube,
            now=first.now,
            at=made.times[0],
            last=rows.pair(made.times[-1]),
            end=END_TIME,
            machine=erasing.machine_time(),
            embedder=model.name,
            dimension=model.dimension,
            operations=list(made.operations.values()),
            rows=[made.states[i] for i in sorted(made.states)],
            passages=made.passages,
            scope=rows.scope_token(cube),
            entities=[rows.entity_row(e) for e in once(made.entities)],
            sources=[rows.source_row(s) for s in once(made.sources)],
            ends=sorted(made.ends),
            logs=[rows.of_log(log, max(end - 1, 0)) | {"number": end} for log, end in made.logs.items()],
        )
        if found and found[0]["fits"]:
            last.note(cube, made.times[-1])
            return made.receipts
        if not found or found[0]["clock"] is None or found[0]["clock"] == clock:
            break
        clock = found[0]["clock"]
        last.note(cube, clock)
    return [None] * len(many)
