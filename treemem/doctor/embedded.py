"""Checks of the embedded store: its file and those beside it, the disk, and whether it is whole."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from treemem.doctor.finding import Finding, ok, problem, warning
from treemem.errors import StoreError
from treemem.queued import FAILED, QueuedTask
from treemem.store.protocol import CubeInfo
from treemem.store.sqlite import inspecting, mark, reading
from treemem.store.sqlite import tasks as queue
from treemem.store.sqlite.files import JOURNAL, LOG, SHARED, Access, access_to, beside, size_of

R = TypeVar("R")
#: Bytes that have to be free: below the first nothing can be written soon, below the second a purge may fail.
_NEEDED, _COMFORT = 64 << 20, 512 << 20


class EmbeddedFile:
    """The file of an embedded store."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.readable = False

    def findings(self) -> Iterator[Finding]:
        yield from self._place()
        if not self._path.is_file():
            return
        yield from private_files("permissions", [self._path, *self._beside()])
        yield from self._log()
        yield from self._content()

    def _beside(self) -> list[Path]:
        real = self._path.resolve()
        return [each for suffix in (LOG, SHARED, JOURNAL) if (each := beside(real, suffix)).exists()]

    def _place(self) -> Iterator[Finding]:
        path, folder = self._path, self._path.parent
        there = next((each for each in (folder, *folder.absolute().parents) if each.exists()), Path("/"))
        if path.is_symlink() and not path.exists():
            yield problem(
                "store", f"{path} is a symbolic link to {path.readlink()}, which does not exist", "remove the link"
            )
        elif not there.is_dir():
            yield problem("store", f"{there} is no folder", "name another place with --store, or in TREEMEM_STORE")
            return
        elif not os.path.lexists(path):
            yield warning("store", f"{path} is not there yet", "the first treemem add makes it; see --store as well")
        elif not path.is_file():
            yield problem("store", f"{path} is no file", "name a file with --store, or in TREEMEM_STORE")
        else:
            yield ok("store", f"{path}, {size_of(path) / 1e6:,.1f} MB, SQLite {sqlite3.sqlite_version}")
        yield from self._disk(there)

    def _disk(self, folder: Path) -> Iterator[Finding]:
        if not os.access(folder, os.W_OK | os.X_OK):
            yield warning("disk", f"{folder} cannot be written", "reading works; to remember, make it writable")
        elif self._path.is_file() and access_to(self._path.resolve()) is not Access.WRITE:
            yield warning("disk", f"{self._path} cannot be written", f"reading works; to write, chmod u+w {self._path}")
        else:
            yield ok("disk", f"{folder} can be written")
        free = shutil.disk_usage(folder).free
        told, wanted = f"{free / 1e6:,.0f} MB are free in {folder}", size_of(self._path) + _COMFORT
        if free < _NEEDED:
            yield problem("disk", told, "free space: writing will fail soon")
        elif free < wanted:
            yield warning("disk", told, f"a purge writes the file anew: see that {wanted / 1e6:,.0f} MB are free")
        else:
            yield ok("disk", told)

    def _log(self) -> Iterator[Finding]:
        real = self._path.resolve()
        try:
            mark.refuse_foreign_log(self._path, real)
        except StoreError as error:
            yield problem("log", str(error), "nothing can be opened before that")
            return
        if mark.misses_log(real):
            yield warning(
                "log",
                f"{self._path} was open when it was copied, or its process was killed and its log was lost",
                "what was written last may be missing; treemem check looks through the rest",
            )
        elif not inspecting.reads_its_log(self._path):
            yield warning(
                "log",
                f"{beside(real, LOG)} holds what was written last, and was not looked at",
                "any command that opens the store puts it into the file, treemem stats say",
            )

    def _content(self) -> Iterator[Finding]:
        with inspecting.looked_at(self._path) as conn:
            missing = inspecting.missing_migrations(conn, self._path)
            lines = inspecting.damage(conn)
            lacking = [] if missing else inspecting.missing_things(conn)
        if lines:
            yield problem("file", f"{self._path} is damaged: {'; '.join(lines)}", "treemem restore puts a backup back")
            return
        yield ok("file", "every page is as SQLite writes it; treemem check looks at what they say")
        if missing:
            yield warning("schema", f"lacks {', '.join(missing)}", "treemem migrate, or any command, brings it")
            return
        yield ok("schema", "up to date")
        if lacking:
            yield problem("indexes", f"not there: {', '.join(lacking)}", "treemem restore puts a backup back")
        else:
            yield ok("indexes", "all there; vectors of any length are taken")
        self.readable = True

    def _read(self, query: Callable[[sqlite3.Connection], R]) -> R:
        with inspecting.looked_at(self._path) as conn:
            return query(conn)

    def cube(self, name: str) -> CubeInfo | None:
        return self._read(lambda conn: reading.cube_info(conn, name))

    def fixed_dimensions(self) -> dict[str, int]:
        return {}

    def failed_tasks(self, cube: str, limit: int) -> Sequence[QueuedTask]:
        return self._read(lambda conn: queue.listed(conn, cube, FAILED, None, limit))

    def close(self) -> None:
        """Nothing is held open."""


def private_files(check: str, files: Iterable[Path]) -> Iterator[Finding]:
    """Yield findings on files that only their owner is to read and write, and on the folder they lie in."""
    if not hasattr(os, "geteuid"):
        return
    open_to_others, foreign = [], []
    folders = set()
    for file in files:
        found = file.stat()
        folders.add(file.resolve().parent)
        if found.st_mode & 0o077:
            open_to_others.append(file)
        if found.st_uid != os.geteuid() and os.geteuid() != 0:
            foreign.append(file)
    if open_to_others:
        names = " ".join(map(str, open_to_others))
        yield problem(check, f"others than the owner have rights on {names}", f"chmod 600 {names}")
    for folder in sorted(folders):
        mode = folder.stat().st_mode
        if mode & 0o022 and not mode & stat.S_ISVTX:
            yield warning(check, f"others may put files into {folder}, or take them away", f"chmod go-w {folder}")
    if foreign:
        yield warning(check, f"{', '.join(map(str, foreign))}: not yours", "run treemem as their owner")
    if folders and not open_to_others:
        yield ok(check, "the owner alone reads and writes")
