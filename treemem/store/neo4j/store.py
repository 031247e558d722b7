"""The Neo4j store behind the protocol: it is put together here, and writes here."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

import neo4j
from neo4j.exceptions import Neo4jError

from treemem.changes import ChangeSet, Erasure, Receipt
from treemem.errors import (
    ConflictError,
    InvalidChangeError,
    MemoryExistsError,
    StoreError,
    StoreFullError,
    StoreUnavailableError,
)
from treemem.store.neo4j import creating, erasing, purging, rows, writing
from treemem.store.neo4j.admin import Admin
from treemem.store.neo4j.clocks import LastTimes
from treemem.store.neo4j.connection import Connection, Transaction, Way
from treemem.store.neo4j.leases import Leases
from treemem.store.neo4j.reads import Reads
from treemem.store.neo4j.statements import statement
from treemem.store.neo4j.tasks import Tasks
from treemem.store.protocol import Lease
from treemem.store.shared import checked_bookmarks
from treemem.store.together import Together

log = logging.getLogger("treemem.neo4j")


class Neo4jStore(Reads, Leases, Tasks, Admin):
    """A graph store on a Neo4j server, 2026.02 or newer.

    `timeout` is in seconds: how long a call may take before it ends in StoreUnavailableError. A `driver` of the
    caller's is used as it is and left open. `trusted_certificates` is a PEM file. Reads wait until the server has
    seen the transactions that the `bookmarks` stand for.
    """

    def __init__(
        self,
        uri: str,
        *,
        auth: tuple[str, str] | None = None,
        database: str | None = None,
        timeout: float = 30.0,
        trusted_certificates: str | None = None,
        driver: neo4j.Driver | None = None,
        bookmarks: Iterable[str] = (),
    ) -> None:
        super().__init__(
            Connection(uri, auth, database, timeout, trusted_certificates, driver, checked_bookmarks(bookmarks))
        )
        self._counts_usage = True
        self._last_times = LastTimes()
        self._create = Together(self._create_all, self._apply_alone, lambda c: c.rows, creating.MOST, timeout)

    @property
    def way(self) -> Way | None:
        """How another library reaches the same database; None with a driver that was given, or certificates."""
        return self._connection.way

    def apply(self, changes: ChangeSet, *, lease: Lease | None = None) -> Receipt:
        if lease is None and creating.only_creates(changes):
            return self._create(changes.cube, changes)
        return self._begin(changes.cube, lambda tx: writing.apply(tx, changes, lease))()

    def begin(self, changes: ChangeSet) -> Callable[[], Receipt]:
        if creating.only_creates(changes):
            receipt = self.apply(changes)
            return lambda: receipt
        return self._begin(changes.cube, lambda tx: writing.apply(tx, changes))

    def _apply_alone(self, changes: ChangeSet) -> Receipt:
        receipt = self._begin(changes.cube, lambda tx: writing.apply(tx, changes))()
        self._last_times.note(changes.cube, receipt.recorded_at)
        return receipt

    def _create_all(self, many: Sequence[ChangeSet], seconds: float) -> Sequence[Receipt | Exception | None]:
        """Write what only creates by one statement; None for each that has to be written alone."""
        try:
            return self._connection.write_alone(lambda tx: creating.create(tx, many, self._last_times), seconds)
        except StoreUnavailableError:
            raise
        except StoreError as error:
            log.info("%s: written one by one after %s", self.location, error)
            return [None] * len(many)

    def purge(self, changes: ChangeSet, erasure: Erasure) -> Receipt:
        return self._begin(changes.cube, lambda tx: purging.purge(tx, changes, erasure))()

    def _begin(self, cube: str, work: Callable[[Transaction], Receipt]) -> Callable[[], Receipt]:
        """Begin a write, which is shown to readers in a second transaction: its commit is whole by then."""

        def show(tx: Transaction) -> None:
            try:
                tx.run(statement("settled_cube"), cube=cube)
            except Neo4jError as error:
                if erasing.node_vanished(error):
                    return  # the cube was erased meanwhile: nothing is left to show
                if error.is_retryable():
                    raise
                raise StoreUnavailableError(
                    f"{self.location}: the change was written, but readers of cube {cube!r} do not see it before the "
                    f"next write ({error.message}); repeat it with the same operation id"
                ) from error

        def begin() -> Callable[[], Receipt]:
            return self._connection.begin_write(work, show)

        wait = begin()

        def finish() -> Receipt:
            try:
                return self._admitted(cube, lambda: begin()(), wait)
            except writing.AlreadyApplied as done:
                self.settled(cube)  # who wrote it may have died before it was shown
                return done.receipt
            except (ConflictError, InvalidChangeError, MemoryExistsError):
                self.settled(cube)  # what stands against it may not be shown yet
                raise

        return finish

    def record_usage(self, cube: str, counts: Mapping[str, int], now: int) -> None:
        if not self._counts_usage:
            return
        recalls = [{"id": memory_id, "count": count} for memory_id, count in sorted(counts.items())]
        try:
            self._write("record_usage", cube=cube, recalls=recalls, now=rows.time(now))
        except StoreFullError as error:
            self._counts_usage = False
            log.info("recalls are not counted as long as this store is open: %s", error)
