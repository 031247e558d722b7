"""The connection: transactions under a deadline, repeated where that helps, with bookmarks, safe over a fork."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import weakref
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import neo4j
from neo4j.exceptions import ConfigurationError, DriverError, IncompleteCommit, Neo4jError

from treemem._version import __version__
from treemem.errors import ConfigError, StoreTimeoutError, StoreUnavailableError, TreememError
from treemem.store.neo4j import lts
from treemem.store.neo4j.bookmarks import Bookmarks
from treemem.store.neo4j.faults import translate
from treemem.store.neo4j.lanes import Lane, Lanes
from treemem.store.neo4j.statements import Statement

R = TypeVar("R")
log = logging.getLogger("treemem.neo4j")
#: Seconds that close() waits for threads to end.
_CLOSING = 5.0
#: Seconds before a transaction that failed for the moment is tried again: at first, and at most.
_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class _Rows(list[Any]):
    """A list whose repr is short. The driver makes a text of every parameter for its log, even if nobody reads that."""

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


def _quiet(value: Any) -> Any:
    return _Rows(value) if isinstance(value, list) else value


class Transaction:
    """Runs statements in one transaction, or in a session each in its own, and returns their rows."""

    def __init__(
        self,
        inner: neo4j.Transaction | neo4j.Session,
        given_up: threading.Event,
        *,
        lts: bool,
        seconds: float | None = None,
    ) -> None:
        """`seconds` is for how long the server may work on a statement of a session."""
        self._inner = inner
        self._seconds = seconds
        self._given_up = given_up
        self._lts = lts
        self.statements = 0

    def run(self, statement: Statement, /, **parameters: Any) -> list[dict[str, Any]]:
        """Run one statement to its end and return its rows.

        All its parameters are keys of one map, `$given`. Neo4j compiles a statement anew for each combination of the
        types and sizes (0, 1, 10, 100, ...) of its parameters, and looks into no map.
        """
        if self._given_up.is_set():
            raise TimeoutError("nobody waits for this transaction any more")
        self.statements += 1
        if self._lts:
            parameters = lts.parameters(parameters)
        given = {name: _quiet(value) for name, value in parameters.items()}
        text = statement.text(lts=self._lts)
        query: Any = text if self._seconds is None else neo4j.Query(text, timeout=self._seconds)
        result = self._inner.run(query, {"given": given})
        keys = result.keys()
        return [dict(zip(keys, record.values(), strict=True)) for record in result]


def new_driver(uri: str, auth: tuple[str, str] | None, timeout: float, **tls: Any) -> neo4j.Driver:
    """Return a driver that waits at most `timeout` seconds for a connection; raise ConfigurationError, ValueError."""
    return neo4j.GraphDatabase.driver(
        uri,
        auth=auth,
        user_agent=f"treemem/{__version__}",
        connection_timeout=min(timeout, 15.0),
        connection_acquisition_timeout=timeout,
        telemetry_disabled=True,
        **tls,
    )


@dataclass(frozen=True, slots=True)
class Way:
    """The address of a server, user and password, and the database; None for the server's defaults."""

    uri: str
    auth: tuple[str, str] | None = field(repr=False)
    database: str | None


class Connection:
    """What the store says to its server. Thread-safe, and usable after a fork in the parent and in the child.

    With `lts` set, once the server's version is known, statements are said in the words of Neo4j 5.26.

    `timeout` is in seconds: how long a call may take before it ends in StoreUnavailableError. A call that is given up
    takes its own connection with it and no other; a `driver` of the caller's is never closed.
    """

    def __init__(
        self,
        uri: str,
        auth: tuple[str, str] | None,
        database: str | None,
        timeout: float,
        trusted_certificates: str | None = None,
        driver: neo4j.Driver | None = None,
        bookmarks: Iterable[str] = (),
    ) -> None:
        if driver is not None and not isinstance(driver, neo4j.Driver):
            raise ConfigError(
                f"driver: wanted a neo4j.Driver, as GraphDatabase.driver() makes it, found {type(driver).__name__}"
                + ("; AsyncTreeTextMemory takes a neo4j.Driver, too" if isinstance(driver, neo4j.AsyncDriver) else "")
            )
        if driver is None and "@" in uri:
            raise ConfigError("store: the URI of a server holds neither user nor password here; pass auth= beside it")
        self._whole_uri = uri
        #: As errors and logs show it: what stands in the query is nobody's business.
        self.uri = uri.partition("?")[0]
        self._certificates = trusted_certificates
        self._given = driver
        self._auth = auth
        self._database = database
        self.timeout = timeout
        self._lanes = self._new_lanes()
        self._closed = False
        self._forked = False
        self.bookmarks = Bookmarks(bookmarks)
        self.lts = False
        self.statements = 0
        _connections.add(self)

    @property
    def way(self) -> Way | None:
        """How another library reaches the same database; None with a driver that was given, or certificates."""
        if self._given is not None or self._certificates is not None:
            return None
        return Way(self._whole_uri, self._auth, self._database)

    def _new_lanes(self) -> Lanes:
        given = self._given
        if given is not None:
            return Lanes(lambda: given, self.timeout, owned=False)
        return Lanes(self._connect, self.timeout, owned=True)

    def _connect(self) -> neo4j.Driver:
        try:
            return new_driver(self._whole_uri, self._auth, self.timeout, **self._tls())
        except (ConfigurationError, ValueError) as error:
            why = "look at its query" if "?" in self._whole_uri else error
            raise ConfigError(f"store: {self.uri} is no usable Neo4j URI ({why})") from None

    def _tls(self) -> dict[str, Any]:
        if self._certificates is None:
            return {}
        return {"encrypted": True, "trusted_certificates": neo4j.TrustCustomCAs(self._certificates)}

    def verify(self) -> None:
        """Raise StoreUnavailableError or StoreError at once if the server cannot be reached or refuses us."""
        self._begin(lambda lane: lane.driver.verify_connectivity())()

    def read(self, work: Callable[[Transaction], R], seconds: float | None = None, *, alone: bool = False) -> R:
        """Run `work` in one read transaction, or each statement of it `alone`, routed as a read, again if that helps.

        Raises StoreTimeoutError after `seconds`, if given; the server is told to give up then, too.
        """

        def call(lane: Lane) -> R:
            return self._repeated(lane, neo4j.READ_ACCESS, work, seconds, alone=lane.given_up if alone else None)

        return self._begin(call, seconds)()

    def write(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one write transaction. It must be idempotent: a lost acknowledgement runs it again."""
        return self.begin_write(work)()

    def begin_write(
        self, work: Callable[[Transaction], R], then: Callable[[Transaction], object] | None = None
    ) -> Callable[[], R]:
        """Run a write up to its commit and return a function that waits for that.

        `then` runs one statement after the commit, in a transaction of its own, even if nobody waits any more. The
        caller's own work falls into the server's commit, not between two statements, where it would hold the
        interpreter while the server waits.
        """
        ran = threading.Event()

        def watched(transaction: Transaction) -> R:
            try:
                return work(transaction)
            finally:
                ran.set()

        def call(lane: Lane) -> R:
            try:
                result = self._repeated(lane, neo4j.WRITE_ACCESS, watched)
            finally:
                ran.set()
            if then is not None:
                self._repeated(lane, neo4j.WRITE_ACCESS, then, alone=threading.Event())
            return result

        wait = self._begin(call)
        ran.wait(self.timeout)
        return wait

    def write_alone(self, work: Callable[[Transaction], R], seconds: float) -> R:
        """Run statements that write, each in a transaction of its own, repeated as a whole where that helps.

        `work` must be idempotent. Raises StoreUnavailableError after `seconds`.
        """

        def call(lane: Lane) -> R:
            return self._repeated(lane, neo4j.WRITE_ACCESS, work, seconds, alone=lane.given_up)

        try:
            return self._begin(call, seconds)()
        except StoreTimeoutError as error:
            raise self._too_late(None, f"no answer within {seconds:.3g} seconds") from error

    def look(self, text: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """Run one statement that only reads, in a transaction of its own, once."""
        return self._alone(neo4j.READ_ACCESS, text, parameters)

    def schema(self, text: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """Run one statement in a transaction of its own, once (schema changes cannot share one with data)."""
        return self._alone(neo4j.WRITE_ACCESS, text, parameters)

    def _alone(self, mode: str, text: str, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        def call(lane: Lane) -> list[dict[str, Any]]:
            with self._session(lane, mode) as session:
                return session.run(text, parameters).data()

        return self._begin(call)()

    def _session(self, lane: Lane, mode: str) -> neo4j.Session:
        return lane.driver.session(
            database=self._database,
            default_access_mode=mode,
            bookmark_manager=self.bookmarks,
            notifications_min_severity="WARNING",
            notifications_disabled_classifications=["UNRECOGNIZED"],
        )

    def _repeated(
        self,
        lane: Lane,
        mode: str,
        work: Callable[[Transaction], R],
        seconds: float | None = None,
        *,
        alone: threading.Event | None = None,
    ) -> R:
        """Run `work` in a transaction; repeat it after what passes by itself: a deadlock, a lost connection.

        A commit whose acknowledgement was lost is repeated as well: the operation's id tells whether it was done.
        """
        limit = self.timeout if seconds is None else max(seconds, 0.001)
        end, pause = time.monotonic() + limit * 0.8, _PAUSE
        while True:
            try:
                return self._once(lane, mode, work, limit, alone)
            except (Neo4jError, DriverError) as error:
                passing = error.is_retryable() or isinstance(error, IncompleteCommit)
                if not passing or time.monotonic() + pause > end or lane.given_up.is_set():
                    raise
                log.info("%s: a transaction is repeated after %s: %s", self.uri, type(error).__name__, error)
            lane.given_up.wait(pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _once(
        self, lane: Lane, mode: str, work: Callable[[Transaction], R], limit: float, alone: threading.Event | None
    ) -> R:
        """Run `work` in a transaction; or each statement of it alone, which saves the server two messages.

        `alone` is set then once no further statement is to be run.
        """
        with self._session(lane, mode) as session:
            if alone is not None:
                transaction = Transaction(session, alone, lts=self.lts, seconds=limit)
                try:
                    return work(transaction)
                finally:
                    self.statements += transaction.statements
            with session.begin_transaction(timeout=limit) as inner:
                transaction = Transaction(inner, lane.given_up, lts=self.lts)
                try:
                    result = work(transaction)
                finally:
                    self.statements += transaction.statements
                inner.commit()
            return result

    def _begin(self, call: Callable[[Lane], R], seconds: float | None = None) -> Callable[[], R]:
        if self._forked:
            raise ConfigError(
                "driver: it was made before this process was forked, and its connections belong to the parent; make "
                "a driver and open the memory after the fork, in every process"
            )
        if self._closed:
            raise StoreUnavailableError(f"the store {self.uri} is closed; open it again")
        try:
            wait = self._lanes.begin(call, seconds)
        except TimeoutError as error:
            raise self._too_late(seconds, str(error)) from error

        def finish() -> R:
            try:
                return wait()
            except TreememError:
                raise
            except TimeoutError as error:
                raise self._too_late(seconds, str(error)) from error
            except (Neo4jError, DriverError) as error:
                if self._closed:
                    raise StoreUnavailableError(f"the store {self.uri} was closed during the call") from error
                raise translate(error, self.uri) from error

        return finish

    def _too_late(self, seconds: float | None, found: str) -> TreememError:
        if seconds is not None:
            return StoreTimeoutError(f"{self.uri} gave no answer within {seconds:.3f} seconds")
        return StoreUnavailableError(
            f"{self.uri}: {found}; whether a write was done is unknown, so repeat it with the same operation id. "
            "The next call uses a new connection"
        )

    def close(self) -> None:
        """Close the connections and end their threads. Closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        left = self._lanes.close(min(self.timeout, _CLOSING))
        if left:
            log.warning("%d connections to %s do not end; they are left to end by themselves", left, self.uri)

    def after_fork(self) -> None:
        """Begin anew in a forked child: connections, threads and locks are the parent's."""
        _of_the_parent.append(self._lanes)
        self.bookmarks = Bookmarks(self.bookmarks.get_bookmarks())
        self._lanes = self._new_lanes()
        self._forked = self._given is not None


#: Every connection, for the hook below.
_connections: weakref.WeakSet[Connection] = weakref.WeakSet()
#: What a forked child has from its parent and must leave alone: a driver that is destroyed would warn and say goodbye.
_of_the_parent: list[Lanes] = []


def _after_fork() -> None:
    for connection in list(_connections):
        connection.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
