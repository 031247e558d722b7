"""The database file and those beside it: made private, never through a link that leads nowhere, known again later."""

from __future__ import annotations

import errno
import os
import stat
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from treemem.errors import StoreError, StoreFullError, StoreUnavailableError

#: SQLite's files beside the database: the write-ahead log, its index in shared memory, the journal of other modes.
LOG, SHARED, JOURNAL = "-wal", "-shm", "-journal"
_WORD = (1 << 64) - 1
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class Place(NamedTuple):
    """What tells one file from another whatever its name: the numbers of its device and inode."""

    device: int
    inode: int


class Access(Enum):
    """How a database can be used, as SQLite's URI says it."""

    WRITE = "mode=rw"
    #: The file may be read, and SQLite can keep its index of the log in the folder.
    READ = "mode=ro"
    #: The file may be read, and nothing made beside it. It has no log, and is read as if nobody would change it.
    STILL = "mode=ro&immutable=1"


def beside(path: Path, suffix: str) -> Path:
    """Return the file of SQLite's beside a database that is free of links."""
    return path.with_name(path.name + suffix)


def place_of(path: Path) -> Place | None:
    """Return where a path leads, None if to nothing."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a third of the time of Path.stat, and asked at each commit
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Place(found.st_dev & _WORD, found.st_ino & _WORD)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, as far as they are missing, for their owner alone. Raises OSError."""
    missing = [folder, *folder.parents]
    missing = missing[: next((i for i, each in enumerate(missing) if each.exists()), len(missing))]
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
    if not folder.is_dir():
        raise NotADirectoryError(20, "Not a directory", str(folder))


def prepare(path: Path) -> None:
    """Make the database file if there is none, readable by its owner alone whatever the umask.

    A link to a file is followed, one that leads nowhere is refused. Raises StoreError.
    """
    try:
        if not os.path.lexists(path):
            _create(path)
        found = path.stat()
    except FileNotFoundError:
        if path.is_symlink():
            raise StoreUnavailableError(
                f"{path} is a symbolic link to {path.readlink()}, which does not exist; nothing was made there. "
                "Remove the link, or make the file it leads to"
            ) from None
        raise StoreUnavailableError(f"{path} cannot be opened; check that its folder exists") from None
    except OSError as error:
        raise refused(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise StoreUnavailableError(f"{path} cannot be opened: it is no file; choose another path")
    for suffix in (LOG, SHARED, JOURNAL):
        other = beside(path.resolve(), suffix)
        if other.is_symlink():
            raise StoreUnavailableError(
                f"{other} is a symbolic link, which treemem never makes; nothing was written. Remove it"
            )


def _create(path: Path) -> None:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NO_LINK, 0o600)
    except FileExistsError:
        return  # another process was faster
    try:
        if hasattr(os, "fchmod"):
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def refused(path: Path, error: OSError) -> StoreError:
    """Return the error of treemem for a file that the system does not let us make or look at."""
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return StoreFullError(f"{path} cannot be made: its folder is read-only; nothing was written")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(f"{path} cannot be made: no space left; nothing was written. Free space and try again")
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return StoreUnavailableError(f"{path} cannot be opened: too many open files; raise the limit (ulimit -n)")
    return StoreUnavailableError(f"{path} cannot be opened ({error.strerror}); check that its folder exists")


def access_to(path: Path) -> Access:
    """Return how the database can be used by this process; `path` is free of links. Raises StoreUnavailableError."""
    if _writable(path.parent):
        return Access.WRITE if _writable(path) else Access.READ
    log, shared = beside(path, LOG), beside(path, SHARED)
    if size_of(log) and not shared.exists():
        raise StoreUnavailableError(
            f"{path} cannot be read: its folder is read-only, and what was written last is still in {log}. "
            "Open it once where the folder may be written, or copy both files to such a folder"
        )
    if log.exists() and shared.exists():  # somebody else has it open, or was killed
        return Access.WRITE if _writable(path) and _writable(log) and _writable(shared) else Access.READ
    return Access.STILL


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, 0 if there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
