"""Backups of the embedded store: the whole file, copied while it is written, and put in a place of its own again."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Callable
from pathlib import Path

from treemem.config import TreeTextMemoryConfig
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.exchange import files
from treemem.locations import is_server
from treemem.opening import copy_of_file, default_path, file_of
from treemem.write.addition import Progress

_NO_LINKS = frozenset(
    getattr(errno, name) for name in ("EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS") if hasattr(errno, name)
)


def backup(ctx: Context, path: str | Path, progress: Progress | None) -> Path:
    """See `TreeTextMemory.backup`."""
    ctx.caller.require_whole_cube("backup")
    if ctx.walled:
        raise InvalidInputError(f"cube {ctx.cube!r}: this view cannot reach the store; ask whoever opened it")
    place = files.as_path(path, "path")
    copied(ctx.store.backup, place, progress)
    return place


def restored(config: TreeTextMemoryConfig, file: Path) -> Path:
    """Copy a backup to the place of the store that a configuration names, where nothing is yet, and return that place.

    Raises InvalidInputError, ConfigError, StoreError.
    """
    location = config.store or str(default_path())
    if is_server(location):
        raise InvalidInputError(f"restore: {location} is a server; a backup is a file, restore it to a path")
    place = file_of(location)
    file = files.as_path(file, "file")
    if not files.is_database(file):
        raise InvalidInputError(f"{file}: no backup of an embedded store; treemem import reads other files")
    copied(lambda target, _: copy_of_file(file, target), place)
    return place


def copied(copy: Callable[[Path, Progress | None], None], place: Path, progress: Progress | None = None) -> None:
    """Put what `copy` makes to a place where nothing is yet, whole or not at all.

    Raises InvalidInputError, StoreFullError, StoreError.
    """
    place = place.parent.resolve() / place.name  # links that lead to the folder are for whoever names it to make
    files.refuse_beside(place)
    for suffix in ("", *files.BESIDE):
        if os.path.lexists(there := place.with_name(place.name + suffix)):
            raise InvalidInputError(f"{there}: exists already, and is not replaced; choose another place")
    with files.told(place, "written"):
        made = files.private_folder(place.parent)
        partial = place.with_name(f"{place.name}.{uuid.uuid4().hex}.partial")
        try:
            copy(partial, progress)
            _put(partial, place)
        except BaseException:
            for suffix in ("", *files.BESIDE):
                with contextlib.suppress(OSError):
                    partial.with_name(partial.name + suffix).unlink()
            for each in reversed(made):
                with contextlib.suppress(OSError):
                    each.rmdir()
            raise
        files.sync(place.parent)


def _put(partial: Path, place: Path) -> None:
    """Give a whole file its name, and replace nothing that came there meanwhile. Raises OSError."""
    try:
        os.link(partial, place)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        os.close(os.open(place, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # the file system has no links
        partial.replace(place)
    else:
        partial.unlink()
