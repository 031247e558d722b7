"""What SQLite's errors mean for whoever called: what happened to the database, and what to do."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from pathlib import Path

from treemem.errors import SchemaError, StoreError, StoreFullError, StoreUnavailableError

#: Errors of input and output that a full disk causes as well: SQLite does not look why a file could not grow.
_GROWING = ("SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE", "SQLITE_IOERR_SHMMAP", "SQLITE_IOERR_TRUNCATE")
#: With less than this free, in bytes, a disk counts as full.
_LITTLE = 65_536


def translate(error: sqlite3.Error, path: Path) -> StoreError:
    """Return the error of treemem for one of SQLite; it is told by its code, never by its words."""
    name = getattr(error, "sqlite_errorname", None) or ""
    said = f"{error}, {name}" if name else str(error)
    if is_full(error, path):
        return StoreFullError(f"{path}: no space left ({said}); nothing was written. Free space and try again")
    if name.startswith("SQLITE_IOERR"):
        return StoreUnavailableError(
            f"{path}: I/O error ({said}). Whether a write was done is unknown: repeat it with the same operation id. "
            "Check the disk; a local disk is needed, since network and shared folders lack the locks and the shared "
            "memory that SQLite uses"
        )
    if name == "SQLITE_READONLY_DBMOVED":
        return StoreUnavailableError(f"{path} was removed or replaced while it was open; nothing was written")
    if name.startswith("SQLITE_READONLY"):
        return read_only(path)
    if name.startswith("SQLITE_NOTADB"):
        return SchemaError(f"{path} is not a treemem database ({said}); choose another path or restore a backup")
    if name.startswith("SQLITE_CORRUPT"):
        return SchemaError(f"{path} is damaged ({said}); restore a backup")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL")):
        return StoreUnavailableError(f"{path} is locked by another process ({said}); try again or raise the timeout")
    if name.startswith("SQLITE_CANTOPEN"):
        if _no_descriptor_left():
            return StoreUnavailableError(f"{path} cannot be opened: too many open files; raise the limit (ulimit -n)")
        return StoreUnavailableError(
            f"{path} cannot be opened ({said}); check that its folder exists and may be written"
        )
    if name.startswith("SQLITE_NOMEM"):
        return StoreUnavailableError(f"{path}: no memory left ({said}); nothing was written")
    return StoreError(f"{path}: {said}")


def read_only(path: Path) -> StoreFullError:
    """Return the error for a write to what may only be read."""
    return StoreFullError(
        f"{path} is read-only; nothing was written. See to the file's and folder's permissions, and whether there is "
        "space left, and open it again"
    )


def is_full(error: sqlite3.Error, path: Path) -> bool:
    """Return whether a full disk is the cause of an error."""
    name = getattr(error, "sqlite_errorname", None) or ""
    return name.startswith("SQLITE_FULL") or (name in _GROWING and _has_no_space(path))


def _has_no_space(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.absolute().parent).free < _LITTLE
    except OSError:
        return False


def _no_descriptor_left() -> bool:
    try:
        os.close(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        return error.errno in (errno.EMFILE, errno.ENFILE)
    return False
