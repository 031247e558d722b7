"""The numbered migrations of the embedded store, and which files are refused."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from treemem.errors import SchemaError, StoreFullError

APPLICATION_ID = 0x7472656D  # "trem"


def scripts() -> list[tuple[str, list[str]]]:
    """Return every migration in order: its name and its statements."""
    folder = files("treemem.store.sqlite") / "migrations"
    found = sorted(folder.iterdir(), key=lambda file: file.name)
    return [(file.name, list(_statements(file.read_text("utf-8")))) for file in found]


def version_of(conn: sqlite3.Connection) -> int:
    """Return how many migrations the file has seen."""
    return int(conn.execute("PRAGMA user_version").fetchone()[0])


def checked_version(conn: sqlite3.Connection, path: Path) -> int:
    """Return how many migrations the file has seen. Raises SchemaError if it is not ours, or newer than we know."""
    version = version_of(conn)
    ours = conn.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID
    tables = conn.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and not ours:
        raise SchemaError(f"{path} is a database of another program; choose another path")
    newest = len(scripts())
    if version > newest:
        raise SchemaError(f"{path} has schema {version}, newer than this treemem knows ({newest}); upgrade treemem")
    return version


def refuse_old(version: int, path: Path) -> None:
    """Raise StoreFullError for a file that may only be read and would have to be changed for that."""
    newest = len(scripts())
    if version < newest:
        what = f"has schema {version}, and this treemem reads {newest}" if version else "holds nothing yet"
        raise StoreFullError(f"{path} is read-only and {what}; open it once where it may be written")


def run(conn: sqlite3.Connection, number: int, statements: list[str]) -> None:
    """Run one migration inside the open write transaction."""
    for statement in statements:
        conn.execute(statement)
    conn.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    conn.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> Iterator[str]:
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""
