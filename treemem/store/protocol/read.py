"""The read protocol: what search, reading and planning need of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from treemem.canonical import Vector
from treemem.changes import Edge, EdgeType, Entity, Log, Operation, State
from treemem.filters import Filter
from treemem.store.protocol.data import (
    FIRST,
    LAST,
    LIVE,
    ConversationRow,
    CubeInfo,
    Page,
    Pick,
    Recall,
    Subgraph,
    Tombstone,
    Touched,
)
from treemem.temporal import Moment


class ReadStore(Protocol):
    """Reads of a cube. Nothing it does changes what is remembered. Every call names its cube."""

    def cube(self, cube: str) -> CubeInfo | None:
        """Return one cube, or None if nothing was ever written to it."""
        ...

    def cubes(self) -> list[CubeInfo]:
        """Return every cube, by id."""
        ...

    def settled(self, cube: str) -> CubeInfo | None:
        """Return one cube as `cube` does, at a moment when every change up to its clock can be read as a whole.

        What was committed by a writer that died before readers could see it is shown.
        """
        ...

    def recall(self, recall: Recall, pick: Pick) -> tuple[Subgraph, list[State]]:
        """Return seeds and the walk around them, and the states that `pick` chose from it, in its order.

        Both are read in one transaction; `pick` may run more than once if the store repeats it.
        """
        ...

    def neighbours(
        self, cube: str, vectors: Sequence[Vector], k: int, moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> list[list[tuple[str, float]]]:
        """Return, for each vector, the k nearest memories as (id, cosine), nearest first."""
        ...

    def states(
        self,
        cube: str,
        ids: Sequence[str],
        moment: Moment,
        *,
        statuses: Sequence[str] | None = LIVE,
        vectors: bool = False,
    ) -> list[State]:
        """Return the states of these memories that hold at the moment, in the order of `ids`; absent ones are left out.

        `statuses` None means any status.
        """
        ...

    def versions(self, cube: str, keys: Sequence[tuple[str, int]], *, vectors: bool = False) -> list[State]:
        """Return the states with these (memory id, version), in the order of `keys`; absent ones are left out."""
        ...

    def known(self, cube: str, ids: Sequence[str], known_at: int | None = None) -> list[State]:
        """Return every state known at a transaction time (default: now), over all valid times, vectors included."""
        ...

    def history(self, cube: str, ids: Sequence[str]) -> list[State]:
        """Return every state of these memories ever recorded, by id and version, vectors included."""
        ...

    def pages(
        self,
        cube: str,
        moment: Moment,
        *,
        statuses: Sequence[str] | None = LIVE,
        where: Filter | None = None,
        after: str = "",
        limit: int = 500,
        vectors: bool = False,
    ) -> Page:
        """Return the states that hold at the moment with an id above `after`, in order of id."""
        ...

    def edges(
        self,
        cube: str,
        ids: Sequence[str],
        moment: Moment,
        *,
        types: Sequence[EdgeType] | None = None,
        direction: str = "both",
        statuses: Sequence[str] | None = LIVE,
    ) -> list[Edge]:
        """Return the edges at these memories that hold at the moment and whose memories hold too.

        `direction` is out, in or both. `statuses` None returns edges whatever the state of their ends.
        """
        ...

    def edges_ever(self, cube: str, ids: Sequence[str], *, types: Sequence[EdgeType] | None = None) -> list[Edge]:
        """Return every edge ever recorded at these memories, in either direction."""
        ...

    def entities(self, cube: str, ids: Sequence[str]) -> list[Entity]:
        """Return the entities with these ids that exist."""
        ...

    def preceding(
        self, cube: str, ids: Sequence[str], moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> dict[str, State]:
        """Return, by id, the state of the message that each of these memories FOLLOWS at the moment, without vectors.

        Of several it is the one that the strongest edge leads to.
        """
        ...

    def operations(
        self,
        cube: str,
        *,
        ids: Sequence[str] | None = None,
        part_of: str | None = None,
        since: int | None = None,
        until: int | None = None,
        parts: bool = False,
        limit: int = 1_000,
    ) -> list[Operation]:
        """Return operations, newest first; parts of batches only where `ids`, `part_of` or `parts` asks for them."""
        ...

    def touched(self, cube: str, operation: str) -> Touched:
        """Return what one operation opened and closed (not its parts), vectors included."""
        ...

    def conversation(
        self,
        cube: str,
        log: Log,
        *,
        above: int = FIRST,
        below: int = LAST,
        newest: bool = False,
        limit: int = 1_000,
        statuses: Sequence[str] | None = LIVE,
        where: Filter | None = None,
    ) -> list[State]:
        """Return the messages of a log with a number between two, the first ones or the newest, oldest first.

        Each is the state that holds last, as known now; `statuses` and `where` are asked of that.
        """
        ...

    def conversations(
        self, cube: str, *, statuses: Sequence[str] = LIVE, where: Filter | None = None
    ) -> list[ConversationRow]:
        """Return every conversation of which such a state is known now, the one that went on last first."""
        ...

    def tombstones(self, cube: str) -> list[Tombstone]:
        """Return what every purge left, by id."""
        ...

    def usage(self, cube: str, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return (times recalled, last time in microseconds) of the memories that were ever recalled."""
        ...
