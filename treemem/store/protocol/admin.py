"""The admin protocol: what backups, checks and upkeep need of a store."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from treemem.canonical import Vectors
from treemem.changes import Edge, Entity, Model, Operation, Source, State
from treemem.store.protocol.data import LIVE, CubeInfo, Rows, Unstaged, Used


class AdminStore(Protocol):
    """The database as such, and cubes as wholes: schema, archives, models, erasing, checks."""

    @property
    def location(self) -> str:
        """Where the data lies, without secrets: a path or a URI."""
        ...

    def migrate(self) -> list[str]:
        """Bring the schema up to date; return the names of the migrations that ran. Raises SchemaError."""
        ...

    def close(self) -> None:
        """Release connections. Closing twice is fine."""
        ...

    def backup(self, target: Path, progress: Callable[[int, int | None], None] | None = None) -> None:
        """Copy the whole store into a new file, as it is at one moment, while others write.

        Raises InvalidInputError where a store is no file, StoreError.
        """
        ...

    def bookmarks(self) -> list[str]:
        """Return what another store over the same database must be told to see everything this one has seen.

        Empty where there is one copy of the data, as in a file.
        """
        ...

    def wait_for(self, bookmarks: Iterable[str]) -> None:
        """Let every later read see what the store that gave these bookmarks had seen."""
        ...

    def counts(self, cube: str) -> dict[str, int]:
        """Return the number of memories, states, edges, entities, sources and operations.

        Of the memories, `logged` are what conversations hold beside what was said.
        """
        ...

    def sizes(self, cube: str, now: int, *, statuses: Sequence[str] = LIVE) -> dict[str, int]:
        """Return how many memories hold at a time, as known now, by memory type."""
        ...

    def all_states(self, cube: str) -> Iterator[State]:
        """Yield every state ever recorded, by id and version, vectors included, in bounded memory."""
        ...

    def all_edges(self, cube: str) -> Iterator[Edge]:
        """Yield every edge ever recorded, ends as ids, in the order of `edge_order`, in bounded memory."""
        ...

    def all_entities(self, cube: str) -> Iterator[Entity]:
        """Yield every entity, by id, in bounded memory."""
        ...

    def all_sources(self, cube: str) -> Iterator[Source]:
        """Yield every source, by id, in bounded memory."""
        ...

    def all_operations(self, cube: str) -> Iterator[Operation]:
        """Yield every operation by id, parts of batches included, in bounded memory."""
        ...

    def all_usage(self, cube: str) -> Iterator[Used]:
        """Yield how often and when memories were recalled, by id, those that ever were, in bounded memory."""
        ...

    def begin_load(self, info: CubeInfo, archive: str) -> None:
        """Make a cube for an archive, or go on with one that was begun for the same; `archive` names the archive.

        Its clock stands at LOADING until `end_load`. Raises ConflictError if the cube is there otherwise.
        """
        ...

    def load(self, rows: Rows, archive: str) -> None:
        """Write rows of an archive as they are, in one transaction; those that are there stay as they are.

        Raises ConflictError unless the archive is being loaded into the cube.
        """
        ...

    def end_load(self, info: CubeInfo, archive: str) -> None:
        """Show what was loaded, by the clock of `info`. Raises ConflictError as `load` does."""
        ...

    def add_rows(self, info: CubeInfo, batches: Callable[[], Iterable[Rows]]) -> bool:
        """Write rows of an archive as they are, all in one transaction, if the cube is still as `info` says.

        Return whether it was. The batches are asked for again where the transaction is repeated; their own `info` has
        the clock that the cube gets, if it is later, and the model that it gets if it has none.
        """
        ...

    def unstaged(self, cube: str, model: Model) -> Iterator[list[Unstaged]]:
        """Yield batches of the states without staged vectors of a model."""
        ...

    def stage(self, cube: str, model: Model, rows: Sequence[tuple[str, int, Vectors]]) -> None:
        """Keep new vectors of states, as (memory id, version, vectors), beside those that are searched."""
        ...

    def switch(self, cube: str, model: Model) -> bool:
        """Give a cube its new model and put the staged vectors in place; False if some state has none yet.

        A server does this in parts, in which the vector arm finds what is in place already; repeating it goes on.
        """
        ...

    def erase(self, cube: str, *, only: CubeInfo | None = None, keep: Callable[[CubeInfo], None] | None = None) -> bool:
        """Erase a cube with everything in it, in bounded transactions; nothing of it is left, no tombstone either.

        With `only`, if the cube is still the one that was seen: return whether it was, and is erased. With `keep`,
        which is called with the cube as it is, nobody else writes to it from before that call until it is gone:
        writers wait, or get StoreUnavailableError; if `keep` raises, nothing is erased. What is written while an
        erasure goes on belongs to a new cube of the same name. An erasure that was cut off is finished first.
        """
        ...

    def dangling(self, cube: str) -> list[str]:
        """Return a line for each row whose operation, identity or end does not exist, or lies in another cube."""
        ...
