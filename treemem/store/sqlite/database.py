"""Connections, transactions, migrations and the translation of SQLite's errors."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from tenacity import Retrying, retry_if_exception_message, stop_after_delay, wait_random

from treemem.errors import SchemaError, StoreError, StoreFullError, StoreUnavailableError

APPLICATION_ID = 0x7472656D  # "trem"


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """Return the treemem error that says what happened to the database and what to do."""
    text = str(error)
    if "full" in text or "disk I/O error" in text:
        return StoreFullError(f"{path}: no space left ({text}); nothing was written. Free space and try again")
    if "readonly" in text or "read-only" in text:
        return StoreFullError(f"{path} is read-only; nothing was written. Check the file's and folder's permissions")
    if "not a database" in text or "malformed" in text:
        return SchemaError(f"{path} is not a treemem database ({text}); choose another path or restore a backup")
    if "locked" in text or "busy" in text:
        return StoreUnavailableError(f"{path} is locked by another process ({text}); try again or raise the timeout")
    if "unable to open" in text:
        return StoreUnavailableError(f"{path} cannot be opened; check that its folder exists and may be written")
    return StoreError(f"{path}: {text}")


class Database:
    """One SQLite file: a connection per thread, explicit transactions, numbered migrations."""

    def __init__(self, path: Path, timeout: float) -> None:
        self.path = path
        self._timeout = timeout
        self._local = threading.local()
        self._connections: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._write_lock = threading.Lock()
        self._closed = False

    def connection(self) -> sqlite3.Connection:
        """Return this thread's connection, opened on first use."""
        if self._closed:
            raise StoreUnavailableError(f"the store {self.path} is closed; open it again")
        conn: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if conn is None:
            conn = self._open()
            self._local.connection = conn
            with self._lock:
                self._connections.append(conn)
        return conn

    def _open(self) -> sqlite3.Connection:
        try:
            conn = sqlite3.connect(self.path, timeout=self._timeout, isolation_level=None, check_same_thread=False)
            conn.execute("PRAGMA foreign_keys = ON")
            conn.execute("PRAGMA secure_delete = ON")
            conn.execute("PRAGMA synchronous = FULL")
            conn.execute("PRAGMA cache_size = -65536")
            conn.execute("PRAGMA wal_autocheckpoint = 4000")
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        return conn

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One snapshot: everything read inside sees the same commit."""
        with self._transaction("BEGIN") as conn:
            yield conn

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """The one writer: locked from the start, committed at the end, rolled back on any exception."""
        with self._write_lock, self._transaction("BEGIN IMMEDIATE") as conn:
            yield conn

    @contextlib.contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        conn = self.connection()
        try:
            conn.execute(begin)
            try:
                yield conn
                conn.execute("COMMIT")
            except BaseException:
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    def migrate(self) -> list[str]:
        """Run the migrations that are missing, each in its own transaction, and return their names."""
        try:
            self._refuse_foreign()
            for attempt in Retrying(
                retry=retry_if_exception_message(match=".*locked.*"),
                stop=stop_after_delay(self._timeout),
                wait=wait_random(0.01, 0.1),
                reraise=True,
            ):
                with attempt:
                    self.connection().execute("PRAGMA journal_mode = WAL")
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        done = []
        for number, (name, script) in enumerate(_migrations(), start=1):
            with self.write() as conn:
                if conn.execute("PRAGMA user_version").fetchone()[0] >= number:
                    continue
                for statement in _statements(script):
                    conn.execute(statement)
                conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                conn.execute(f"PRAGMA user_version = {number}")
                done.append(name)
        return done

    def _refuse_foreign(self) -> None:
        with self.read() as conn:
            version = conn.execute("PRAGMA user_version").fetchone()[0]
            ours = conn.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
            tables = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if tables and not ours:
            raise SchemaError(f"{self.path} is a database of another program; choose another path")
        newest = len(_migrations())
        if version > newest:
            raise SchemaError(
                f"{self.path} has schema {version}, newer than this treemem knows ({newest}); upgrade treemem"
            )

    def scrub(self) -> None:
        """Leave no byte of what was deleted in the file or its log.

        Raises StoreUnavailableError when another process keeps the log in use.
        """
        conn = self.connection()
        try:
            conn.execute("VACUUM")
            busy = conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        except sqlite3.Error as error:
            raise translate(error, self.path) from error
        if busy:
            raise StoreUnavailableError(
                f"{self.path}: erased, but another connection still holds the write-ahead log, which may keep the "
                "bytes; purge again once it is idle"
            )

    def close(self) -> None:
        """Close every thread's connection."""
        with self._lock:
            self._closed = True
            for conn in self._connections:
                conn.close()
            self._connections.clear()


def _migrations() -> list[tuple[str, str]]:
    folder = files("treemem.store.sqlite") / "migrations"
    return [(f.name, f.read_text("utf-8")) for f in sorted(folder.iterdir(), key=lambda f: f.name)]


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
