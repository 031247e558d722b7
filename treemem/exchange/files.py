"""Files that only their owner may read, written whole or not at all; no symbolic link is followed, and what is no
plain file, or belongs to a database, is not replaced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from treemem.checks import shown
from treemem.errors import InvalidInputError, StoreError, StoreFullError, TreememError
from treemem.locations import require_file

#: Errors that another path, or other rights, would not have had.
_OF_THE_PATH = frozenset(
    getattr(errno, name)
    for name in "EACCES EPERM ENOTDIR EISDIR ENOENT EEXIST ENAMETOOLONG ELOOP EINVAL ENOTEMPTY ENOTSUP EXDEV".split()
)
#: What SQLite's files beside a database are called after it.
BESIDE = ("-wal", "-shm", "-journal")
_OF_SERVERS = (
    "of servers, import_ alone reads one: a database of Graphiti's, by a URI such as neo4j://host:7687/database and "
    "format 'auto' or 'graphiti'. "
)
_FULL = frozenset(getattr(errno, name) for name in "ENOSPC EDQUOT EFBIG EROFS".split() if hasattr(errno, name))


def as_path(value: object, field: str) -> Path:
    """Return a path that the system can take, or raise InvalidInputError naming the argument.

    What is meant for a server is refused, and not shown: a password may be in it.
    """
    require_file(value, field, _OF_SERVERS)
    if not isinstance(value, (str, os.PathLike)) or isinstance(value, bytes):
        raise InvalidInputError(f"{field}: wanted a path, found {shown(value)}")
    try:
        path = Path(value)
        os.fsencode(path)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{field}: {shown(value)} is no path ({error})") from error
    if "\x00" in str(path):
        raise InvalidInputError(f"{field}: a path has no NUL character, found {shown(value)}")
    return path


@contextlib.contextmanager
def told(path: Path, doing: str) -> Iterator[None]:
    """Turn what the system says of a path into an error of treemem: `doing` is "written", "read" or "removed"."""
    try:
        yield
    except OSError as error:
        raise error_of(error, path, doing) from error


def error_of(error: OSError, path: Path, doing: str) -> TreememError:
    """Return the error that says what the system refused and what to do."""
    why = error.strerror or str(error)
    if error.errno in _FULL:
        return StoreFullError(f"{path}: cannot be {doing} ({why}); free space or choose another folder")
    if error.errno in _OF_THE_PATH:
        return InvalidInputError(f"{path}: cannot be {doing} ({why}); check its rights or choose another path")
    return StoreError(f"{path}: cannot be {doing}: the disk or the network failed ({why}); try again")


def private_folder(path: Path) -> list[Path]:
    """Make a folder and what leads to it; return those that were made, outermost first, open to their owner alone.

    Folders that exist stay as they are. Raises InvalidInputError if the path is a symbolic link, or no folder, or if
    one that was to be made is a link by then. Links that lead to it are for whoever names it to make.
    """
    refuse_link(path)
    missing: list[Path] = []
    for each in (path, *path.parents):
        if os.path.lexists(each):
            break
        missing.append(each)
    made: list[Path] = []
    for each in reversed(missing):
        try:
            each.mkdir(mode=0o700)
        except FileExistsError:
            refuse_link(each)
            continue  # somebody else was faster
        each.chmod(0o700)  # whatever the umask took away
        made.append(each)
    refuse_link(path)
    if not path.is_dir():
        raise InvalidInputError(f"{path}: is no folder; choose another path")
    return made


def refuse_link(path: Path) -> None:
    """Raise InvalidInputError if the path is a symbolic link: what is written there would land elsewhere."""
    if path.is_symlink():
        raise InvalidInputError(f"{path}: is a symbolic link, which is not followed; name the place itself")


def is_file(path: Path) -> bool:
    """Return whether there is a plain file, not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def is_folder(path: Path) -> bool:
    """Return whether there is a folder, not a link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def beginning(path: Path, most: int) -> bytes:
    """Return at most the first `most` bytes of a plain file, or raise InvalidInputError, StoreError."""
    with told(path, "read"):
        if not stat.S_ISREG(path.stat().st_mode):
            raise InvalidInputError(f"{path}: is no file; choose another path")
        with path.open("rb") as file:
            return file.read(most)


def read(path: Path, most: int) -> bytes:
    """Return what a plain file of at most `most` bytes holds, or raise InvalidInputError, StoreError."""
    data = beginning(path, most + 1)
    if len(data) > most:
        raise InvalidInputError(f"{path}: larger than {most:,} bytes")
    return data


def is_database(path: Path) -> bool:
    """Return whether a plain file is a database of SQLite, as an embedded store is. Raises InvalidInputError."""
    with told(path, "read"):
        return stat.S_ISREG(path.stat().st_mode) and beginning(path, 16) == b"SQLite format 3\0"


def refuse_taken(path: Path) -> None:
    """Raise InvalidInputError if a file must not come to a path: a link, a folder, a device, a pipe, a socket or a
    database is there, or it is the name of what SQLite keeps beside a database.
    """
    refuse_link(path)
    refuse_beside(path)
    if not os.path.lexists(path):
        return
    if path.is_dir():
        raise InvalidInputError(f"{path}: is a folder; choose another place")
    if not is_file(path):
        raise InvalidInputError(f"{path}: is no file, but a device, a pipe or a socket; choose another place")
    if is_database(path):
        raise InvalidInputError(f"{path}: is a database, perhaps a store, and is not replaced; choose another name")


def refuse_beside(path: Path) -> None:
    """Raise InvalidInputError for the name of a log or journal of SQLite's beside what may be its database."""
    for suffix in BESIDE:
        owner = path.name.lower().endswith(suffix) and path.name[: -len(suffix)]
        if owner and os.path.lexists(path.with_name(owner)):
            raise InvalidInputError(
                f"{path}: is a name of SQLite's, for what it keeps beside {owner}; choose another name"
            )


def create(path: Path) -> IO[bytes]:
    """Open a new file for writing that only its owner may read; one that exists is refused."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    number = os.open(path, flags, 0o600)
    path.chmod(0o600)  # whatever the umask took away
    return open(number, "wb")  # noqa: PTH123 (the caller closes it)


def write_together(folder: Path, writers: Mapping[str, Callable[[IO[bytes]], Any]]) -> None:
    """Write files of a folder, each by its writer, as `write_all` does."""

    def write(files: Mapping[str, IO[bytes]]) -> None:
        for name, writer in writers.items():
            writer(files[name])

    write_all(folder, list(writers), write)


def write_all(folder: Path, names: Sequence[str], write: Callable[[Mapping[str, IO[bytes]]], Any]) -> None:
    """Write files of a folder in one go: all appear, each whole and on the disk, or none does and the old ones stay.

    Should the system refuse one of the names in the end, those before it are new. `write` gets the open files by name.
    Raises InvalidInputError, StoreFullError, StoreError, and what `write` raises.
    """
    with told(folder, "written"):
        made = private_folder(folder)
        partial = {name: folder / f"{name}.{uuid.uuid4().hex}.partial" for name in names}
        try:
            with contextlib.ExitStack() as stack:
                opened = {}
                for name in names:
                    refuse_taken(folder / name)
                    opened[name] = stack.enter_context(create(partial[name]))
                write(opened)
                for file in opened.values():
                    file.flush()
                    os.fsync(file.fileno())
            for name in names:
                refuse_taken(folder / name)  # it may have come meanwhile
            for name, path in partial.items():
                path.replace(folder / name)
        except BaseException:
            for path in partial.values():
                with contextlib.suppress(OSError):
                    path.unlink()
            for each in reversed(made):
                with contextlib.suppress(OSError):
                    each.rmdir()
            raise
        sync(folder)


def sync(folder: Path) -> None:
    """Bring a folder's list of names onto the disk, where the system can."""
    if hasattr(os, "O_DIRECTORY"):
        number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
