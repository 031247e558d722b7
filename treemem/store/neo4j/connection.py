"""The driver: managed transactions under a deadline, and the translation of its errors."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import neo4j
from neo4j.exceptions import AuthError, ClientError, ConfigurationError, DriverError, IncompleteCommit, Neo4jError

from treemem._version import __version__
from treemem.errors import (
    ConfigError,
    StoreError,
    StoreFullError,
    StoreTimeoutError,
    StoreUnavailableError,
    TreememError,
)
from treemem.store.neo4j import lts
from treemem.store.neo4j.deadline import Deadline

R = TypeVar("R")
log = logging.getLogger("treemem.neo4j")


class _Rows(list[Any]):
    """A list that does not spell itself out: the driver writes every parameter as text, for a log nobody may read."""

    def __repr__(self) -> str:
        return f"<{len(self)} rows>"


def _quiet(value: Any) -> Any:
    return _Rows(value) if isinstance(value, list) else value


class Transaction:
    """A managed transaction that runs statements and returns their rows."""

    def __init__(self, inner: neo4j.ManagedTransaction, *, lts: bool) -> None:
        self._inner = inner
        self._lts = lts
        self.statements = 0

    def run(self, text: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """Run one statement to its end and return its rows."""
        self.statements += 1
        if self._lts:
            text, parameters = lts.text(text), lts.parameters(parameters)
        result = self._inner.run(text, {name: _quiet(value) for name, value in parameters.items()})
        keys = result.keys()
        return [dict(zip(keys, record.values(), strict=True)) for record in result]


class Connection:
    """One driver for a server; replaced when a connection falls silent, unless it is the caller's. Thread-safe.

    With `lts` set, once the server's version is known, statements are put into the words of Neo4j 5.26.

    `timeout` is in seconds: how long a call may take before it ends in StoreUnavailableError.
    """

    def __init__(
        self,
        uri: str,
        auth: tuple[str, str] | None,
        database: str | None,
        timeout: float,
        trusted_certificates: str | None = None,
        driver: neo4j.Driver | None = None,
    ) -> None:
        self.uri = uri
        self._certificates = trusted_certificates
        self._given = driver
        self._auth = auth
        self._database = database
        self._timeout = self.timeout = timeout
        self._deadline = Deadline(timeout)
        self._lock = threading.Lock()
        self._driver: neo4j.Driver | None = None
        self._closed = False
        self.lts = False
        self.statements = 0

    def _current(self) -> neo4j.Driver:
        with self._lock:
            if self._closed:
                raise StoreUnavailableError(f"the store {self.uri} is closed; open it again")
            if self._given is not None:
                return self._given
            if self._driver is None:
                try:
                    self._driver = neo4j.GraphDatabase.driver(
                        self.uri,
                        auth=self._auth,
                        user_agent=f"treemem/{__version__}",
                        connection_timeout=min(self._timeout, 15.0),
                        connection_acquisition_timeout=self._timeout,
                        max_transaction_retry_time=self._timeout * 0.8,
                        notifications_min_severity="WARNING",
                        notifications_disabled_classifications=["UNRECOGNIZED"],
                        telemetry_disabled=True,
                        **self._tls(),
                    )
                except (ConfigurationError, ValueError) as error:
                    raise ConfigError(f"store: {self.uri} is no usable Neo4j URI ({error})") from error
            return self._driver

    def _tls(self) -> dict[str, Any]:
        if self._certificates is None:
            return {}
        return {"encrypted": True, "trusted_certificates": neo4j.TrustCustomCAs(self._certificates)}

    def verify(self) -> None:
        """Raise StoreUnavailableError or StoreError at once if the server cannot be reached or refuses us."""
        self._guarded(lambda driver: driver.verify_connectivity())

    def read(self, work: Callable[[Transaction], R], seconds: float | None = None) -> R:
        """Run `work` in one read transaction, routed as a read, retried by the driver where that helps.

        Raises StoreTimeoutError after `seconds`, if given; the server is told to give up then, too.
        """
        return self._begin(self._managed("execute_read", work, seconds), seconds)()

    def write(self, work: Callable[[Transaction], R]) -> R:
        """Run `work` in one write transaction. It must be idempotent: a lost acknowledgement runs it again."""
        return self.begin_write(work)()

    def begin_write(self, work: Callable[[Transaction], R]) -> Callable[[], R]:
        """Run a write up to its commit and return a function that waits for that.

        The caller's own work then falls into the server's commit, not between two statements, where it would hold the
        interpreter while the server waits.
        """
        ran = threading.Event()

        def watched(transaction: Transaction) -> R:
            try:
                return work(transaction)
            finally:
                ran.set()

        once = self._managed("execute_write", watched)

        def call(driver: neo4j.Driver) -> R:
            try:
                return once(driver)
            except IncompleteCommit:
                return once(driver)  # committed or not: the operation's id tells
            finally:
                ran.set()

        wait = self._begin(call)
        ran.wait(self._timeout)
        return wait

    def _managed(
        self, mode: str, work: Callable[[Transaction], R], seconds: float | None = None
    ) -> Callable[[neo4j.Driver], R]:
        @neo4j.unit_of_work(timeout=self._timeout if seconds is None else max(seconds, 0.001))
        def unit(inner: neo4j.ManagedTransaction) -> R:
            transaction = Transaction(inner, lts=self.lts)
            try:
                return work(transaction)
            finally:
                self.statements += transaction.statements

        def call(driver: neo4j.Driver) -> R:
            with driver.session(database=self._database) as session:
                result: R = getattr(session, mode)(unit)
                return result

        return call

    def schema(self, text: str, /, **parameters: Any) -> list[dict[str, Any]]:
        """Run one statement in a transaction of its own (schema changes cannot share one with data)."""

        def call(driver: neo4j.Driver) -> list[dict[str, Any]]:
            with driver.session(database=self._database) as session:
                return session.run(text, parameters).data()

        return self._guarded(call)

    def _guarded(self, call: Callable[[neo4j.Driver], R]) -> R:
        return self._begin(call)()

    def _begin(self, call: Callable[[neo4j.Driver], R], seconds: float | None = None) -> Callable[[], R]:
        driver = self._current()
        wait = self._deadline.begin(lambda: call(driver), seconds)

        def finish() -> R:
            try:
                return wait()
            except TreememError:
                raise
            except TimeoutError as error:
                if seconds is not None:
                    raise StoreTimeoutError(f"{self.uri} gave no answer within {seconds:.3f} seconds") from error
                self._abandon(driver)
                raise StoreUnavailableError(
                    f"{self.uri} gave no answer within {self._timeout:g} seconds; whether a write was done is "
                    "unknown, so repeat it with the same operation id. The next call uses a new connection"
                ) from error
            except (Neo4jError, DriverError) as error:
                raise translate(error, self.uri) from error

        return finish

    def _abandon(self, driver: neo4j.Driver) -> None:
        if driver is self._given:
            return  # not ours to close
        with self._lock:
            if self._driver is driver:
                self._driver = None
        threading.Thread(target=driver.close, name="treemem-neo4j-close", daemon=True).start()

    def close(self) -> None:
        """Close the driver. Closing twice is fine."""
        with self._lock:
            driver, self._driver, self._closed = self._driver, None, True
        if driver is not None:
            try:
                self._deadline.run(driver.close)
            except TimeoutError:
                log.warning("closing the connection to %s took too long; left to end by itself", self.uri)


def translate(error: Exception, uri: str) -> StoreError:
    """Return the treemem error that says what happened to the server and what to do."""
    code = getattr(error, "code", None) or ""
    if isinstance(error, AuthError):
        return StoreError(
            f"{uri} refused the user name or password; pass user= and password= or set "
            "TREEMEM_NEO4J_USER and TREEMEM_NEO4J_PASSWORD"
        )
    if "ReadOnly" in code or "WriteOnReadOnly" in code:
        return StoreFullError(f"{uri} is read-only ({code}); nothing was written")
    if "DatabaseNotFound" in code:
        return StoreError(f"{uri}: {error}; pass the name of an existing database")
    if "TransactionTimedOut" in code:
        return StoreTimeoutError(f"{uri} gave up: {code}; allow more time")
    if isinstance(error, ClientError) or (isinstance(error, Neo4jError) and "Transient" not in code):
        return StoreError(f"{uri}: {code or type(error).__name__}: {error}")
    return StoreUnavailableError(
        f"{uri} cannot be reached or went away ({type(error).__name__}: {error}); check that Neo4j runs there"
    )
