"""Backups of the embedded store: the whole file, copied while it is written, and put in a place of its own again."""

from __future__ import annotations

import contextlib
import os
import uuid
from pathlib import Path

from treemem.config import TreeTextMemoryConfig
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.exchange import files
from treemem.locations import is_server
from treemem.opening import default_path, file_of, file_store
from treemem.store.protocol import AdminStore
from treemem.write.addition import Progress

_BESIDE = ("", "-wal", "-shm", "-journal")


def backup(ctx: Context, path: str | Path, progress: Progress | None) -> Path:
    """See `TreeTextMemory.backup`."""
    ctx.caller.require_whole_cube("backup")
    if ctx.walled:
        raise InvalidInputError(f"cube {ctx.cube!r}: this view cannot reach the store; ask whoever opened it")
    place = files.as_path(path, "path")
    copied(ctx.store, place, progress)
    return place


def restored(config: TreeTextMemoryConfig, file: Path) -> Path:
    """Copy a backup to the place of the store that a configuration names, where nothing is yet, and return that place.

    Raises InvalidInputError, ConfigError, StoreError.
    """
    location = config.store or str(default_path())
    if is_server(location):
        raise InvalidInputError(f"restore: {location} is a server; a backup is a file, restore it to a path")
    place = file_of(location)
    with files.told(file, "read"), file.open("rb") as opened:
        if opened.read(16) != b"SQLite format 3\0":
            raise InvalidInputError(f"{file}: no backup of an embedded store; treemem import reads other files")
    store = file_store(config, str(file))
    try:
        copied(store, place)
    finally:
        store.close()
    return place


def copied(store: AdminStore, place: Path, progress: Progress | None = None) -> None:
    """Copy a store to a place where nothing is yet, whole or not at all.

    Raises InvalidInputError, StoreFullError, StoreError.
    """
    place = place.parent.resolve() / place.name  # links that lead to the folder are for whoever names it to make
    for suffix in _BESIDE:
        if os.path.lexists(there := place.with_name(place.name + suffix)):
            raise InvalidInputError(f"{there}: exists already, and is not replaced; choose another place")
    with files.told(place, "written"):
        made = files.private_folder(place.parent)
        partial = place.with_name(f"{place.name}.{uuid.uuid4().hex}.partial")
        try:
            store.backup(partial, progress)
            os.link(partial, place)  # unlike a rename, replaces nothing that came meanwhile
            partial.unlink()
            files.sync(place.parent)
        except BaseException:
            for suffix in _BESIDE:
                with contextlib.suppress(OSError):
                    partial.with_name(partial.name + suffix).unlink()
            for each in reversed(made):
                with contextlib.suppress(OSError):
                    each.rmdir()
            raise
