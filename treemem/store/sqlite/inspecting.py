"""A database file looked at without leaving a trace: nothing is made beside it, and no log is played back."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from treemem.filters.like import like
from treemem.store.sqlite import migrating
from treemem.store.sqlite.failures import translate
from treemem.store.sqlite.files import LOG, SHARED, beside, size_of

#: How many lines of damage are told.
_LINES = 5
_THINGS = "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'"


def reads_its_log(path: Path) -> bool:
    """Return whether what the log holds is seen: it is empty, or SQLite's index of it lies beside it."""
    real = path.resolve()
    return not size_of(beside(real, LOG)) or beside(real, SHARED).exists()


@contextlib.contextmanager
def looked_at(path: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection that only reads. Raises StoreError.

    A log is read beside whoever writes it, where its index is there; else the file is read as if nobody wrote to it.
    """
    real = path.resolve()
    log = size_of(beside(real, LOG)) and beside(real, SHARED).exists()
    how = "mode=ro&readonly_shm=1" if log else "mode=ro&immutable=1"
    try:
        conn = sqlite3.connect(f"{real.as_uri()}?{how}", uri=True, timeout=5.0, isolation_level=None)
        try:
            conn.create_function("text_like", 2, like, deterministic=True)
            conn.execute("BEGIN")
            yield conn
        finally:
            conn.close()
    except sqlite3.Error as error:
        raise translate(error, path) from error


def damage(conn: sqlite3.Connection) -> list[str]:
    """Return lines on pages and rows that are not as SQLite writes them; none where the file is whole."""
    found = [str(row[0]) for row in conn.execute(f"PRAGMA quick_check({_LINES})")]
    return [] if found == ["ok"] else found


def missing_migrations(conn: sqlite3.Connection, path: Path) -> list[str]:
    """Return the names of the migrations that the file has not seen. Raises SchemaError as opening it does."""
    version = migrating.checked_version(conn, path)
    return [name for name, _ in migrating.scripts()[version:]]


def missing_things(conn: sqlite3.Connection) -> list[str]:
    """Return the tables and indexes that a file with all migrations has, and this one lacks."""
    fresh = sqlite3.connect(":memory:", isolation_level=None)
    try:
        for number, (_, statements) in enumerate(migrating.scripts(), start=1):
            migrating.run(fresh, number, statements)
        wanted = set(fresh.execute(_THINGS))
    finally:
        fresh.close()
    return [f"{kind} {name}" for kind, name in sorted(wanted - set(conn.execute(_THINGS)))]
