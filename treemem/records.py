"""What the verbs return beside items: versions, neighbours, operations, pages, statistics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from treemem.changes import Operation, State
from treemem.contents import item_of
from treemem.items import TextualMemoryItem
from treemem.store.protocol import CubeInfo
from treemem.temporal import END, from_micros


def _when(micros: int) -> datetime | None:
    return None if micros == END else from_micros(micros)


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One line of the audit trail. `status` is done, open (a batch that was cut off) or failed."""

    id: str
    kind: str
    recorded_at: datetime
    status: str
    actor: str | None
    reason: str | None
    undoes: str | None
    part_of: str | None

    @classmethod
    def of(cls, operation: Operation) -> OperationRecord:
        """Return a store's operation for a user."""
        return cls(
            operation.id,
            operation.kind,
            from_micros(operation.recorded_at),
            operation.status,
            operation.actor,
            operation.reason,
            operation.undoes,
            operation.part_of,
        )


@dataclass(frozen=True, slots=True)
class MemoryVersion:
    """A state of a memory: what it said, when that held, when it was known, and which operations said so.

    An end that is open is None.
    """

    version: int
    item: TextualMemoryItem
    valid_from: datetime
    valid_to: datetime | None
    recorded_from: datetime
    recorded_to: datetime | None
    opened_by: OperationRecord
    closed_by: OperationRecord | None

    @classmethod
    def of(cls, state: State, operations: Mapping[str, Operation]) -> MemoryVersion:
        """Return a store's state for a user."""
        closed = None if state.closed_by is None else OperationRecord.of(operations[state.closed_by])
        return cls(
            state.version,
            item_of(state),
            from_micros(state.valid_from),
            _when(state.valid_to),
            from_micros(state.recorded_from),
            _when(state.recorded_to),
            OperationRecord.of(operations[state.opened_by]),
            closed,
        )


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The other end of an edge. `kind` is memory, entity or source; `name` is an entity's, `item` a memory's."""

    type: str
    direction: str
    id: str
    kind: str
    name: str | None
    item: TextualMemoryItem | None
    weight: float
    confidence: float


@dataclass(frozen=True, slots=True)
class MemoryPage:
    """Some memories in order of id; `cursor` continues after them, None at the end."""

    items: tuple[TextualMemoryItem, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Statistics:
    """How much a cube holds, its last transaction time, its embedding model and where it lies."""

    cube: str
    location: str
    clock: datetime | None
    embedder: str | None
    dimension: int | None
    memories: int
    states: int
    edges: int
    entities: int
    sources: int
    operations: int

    @classmethod
    def of(cls, cube: str, location: str, info: CubeInfo | None, counts: Mapping[str, int]) -> Statistics:
        """Return a cube's statistics."""
        model = None if info is None else info.model
        return cls(
            cube,
            location,
            None if info is None else from_micros(info.clock),
            None if model is None else model.name,
            None if model is None else model.dimension,
            **counts,
        )
