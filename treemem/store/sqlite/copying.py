"""A copy of the database as it is at one moment, made while others write: the online backup of SQLite."""

from __future__ import annotations

import contextlib
import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from treemem.errors import InvalidInputError, StoreError
from treemem.store.sqlite import files, mark
from treemem.store.sqlite.failures import is_full, translate
from treemem.store.sqlite.files import Place

#: How many pages (of 4,096 bytes) are copied at once; the interpreter is free for others meanwhile.
_PAGES = 2_048


def copy(conn: sqlite3.Connection, target: Path, progress: Callable[[int, int | None], None] | None) -> None:
    """Copy what a read transaction sees into a new file, which belongs to nobody's log; `verify` looks it through.

    `progress` is called with the pages that are done and all pages. Raises InvalidInputError, StoreError.
    """
    conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the snapshot begins here

    def told(_: int, remaining: int, total: int) -> None:
        if progress is not None:
            progress(total - remaining, total)

    files.prepare(target)
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copied:
        try:
            conn.backup(copied, pages=_PAGES, progress=told)
        except sqlite3.Error as error:
            if is_full(error, target):
                raise translate(error, target) from error
            raise
        if not copied.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'file_mark'").fetchone()[0]:
            raise InvalidInputError("the file is a database of another program, or of a treemem older than its marks")
        before = mark.current(copied)
        if before is not None:
            own = before._replace(id=secrets.token_bytes(16), open=False, file=Place(0, 0), log=Place(0, 0))
            copied.execute("UPDATE file_mark SET mark = ?", (own.packed(),))


def verify(target: Path) -> None:
    """Look through a copy, and raise StoreError if it is damaged."""
    with contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copied:
        found = [row[0] for row in copied.execute("PRAGMA integrity_check(5)")]
    if found != ["ok"]:
        raise StoreError(f"the copy is damaged, and so may be the store: {'; '.join(found)}; nothing was kept")


def copy_file(file: Path, target: Path) -> None:
    """Copy a database file that nobody has open; it is read, and nothing is made beside it. Raises StoreError."""
    real = file.resolve()
    still = "" if files.size_of(files.beside(real, files.LOG)) else "&immutable=1"
    try:
        with contextlib.closing(
            sqlite3.connect(f"{real.as_uri()}?mode=ro{still}", uri=True, isolation_level=None)
        ) as conn:
            conn.execute("BEGIN")
            copy(conn, target, None)
        verify(target)
    except sqlite3.Error as error:
        raise translate(error, file) from error
