"""The backups of one cube: a folder each, named by time, below a folder named after the cube.

Only what treemem made and recognises is ever removed, by name and one by one; links are never followed.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

from treemem.errors import InvalidInputError, TreememError
from treemem.exchange import files
from treemem.exchange.format import ARCHIVE, GRAPH, is_whole, read_head
from treemem.temporal import from_micros, to_micros

#: Lies in a backup until its cube is erased: one with it does not count, and is never removed.
UNFINISHED = "unfinished"
#: Says which database a backup was made of: cubes of one name in two databases have the same folder.
ORIGIN = "origin"
_STAMP = "%Y%m%dT%H%M%S.%fZ"
_NAMED = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")
_DEVICE = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_LONGEST = 200


def folder_name(cube: str) -> str:
    """Return a cube's id as the name of a folder: one for each, also where case is not told apart, and never a path.

    What is no small letter, digit, `_` or `-` is written as `%` and two digits, dots inside stay; a long one ends in
    a hash.
    """
    last = len(cube) - 1
    plain = [c in _PLAIN or (c == "." and 0 < i < last) for i, c in enumerate(cube)]
    name = "".join(c if kept else f"%{ord(c):02X}" for c, kept in zip(cube, plain, strict=True))
    if _DEVICE.match(name):
        name = f"%{ord(name[0]):02X}{name[1:]}"
    if len(name) > _LONGEST:
        name = f"{name[:100]}~{hashlib.sha256(cube.encode()).hexdigest()[:32]}"
    return name


class Shelf:
    """Where the backups of one cube of one database lie; `location` is where that database is."""

    def __init__(self, root: Path, cube: str, location: str) -> None:
        self._cube = cube
        whole = location if "://" in location else str(Path(location).resolve())
        self._origin = hashlib.sha256(whole.encode("utf-8", "surrogateescape")).hexdigest().encode()
        self.place = root / folder_name(cube)

    def begin(self, clock: int) -> Path:
        """Make the folder of a new backup, which is named after the cube's clock and sorts behind all others.

        Where the clock stepped back, the name is that of the newest, a microsecond later.
        """
        with files.told(self.place, "written"):
            files.private_folder(self.place.parent)
            files.private_folder(self.place)
            for _ in range(1_000):
                last = max((p.name for p in self.place.iterdir() if _NAMED.fullmatch(p.name)), default="")
                name = max(_stamp(clock), _after(last))
                try:
                    (self.place / name).mkdir(mode=0o700)
                except FileExistsError:
                    continue  # another process took the name
                (self.place / name).chmod(0o700)
                files.create(self.place / name / UNFINISHED).close()
                with files.create(self.place / name / ORIGIN) as file:
                    file.write(self._origin)
                return self.place / name
        raise InvalidInputError(f"{self.place}: no name is free for a backup; choose another folder")

    def finish(self, kept: Path) -> None:
        """Say that the cube is erased: the backup counts from now on."""
        with files.told(kept, "written"):
            (kept / UNFINISHED).unlink(missing_ok=True)
            files.sync(kept)
            files.sync(self.place)

    def discard(self, kept: Path) -> None:
        """Remove a backup whose cube was not erased."""
        with files.told(kept, "removed"):
            self._remove(kept)

    def prune(self, keep: int, newest: Path) -> None:
        """Remove the oldest backups that count, but for the newest `keep`; `newest` stays in any case."""
        for old in self.finished()[:-keep]:
            if old != newest:
                with files.told(old, "removed"):
                    self._remove(old)

    def finished(self) -> list[Path]:
        """Return the backups that count, oldest first: named by us, whole, of this cube, of this database, finished."""
        with files.told(self.place, "read"):
            return sorted(p for p in self.place.iterdir() if _NAMED.fullmatch(p.name) and self._counts(p))

    def _counts(self, path: Path) -> bool:
        if not (files.is_folder(path) and files.is_file(path / ARCHIVE)) or (path / UNFINISHED).exists():
            return False
        if not files.is_file(path / ORIGIN) or (path / ORIGIN).read_bytes() != self._origin:
            return False
        try:
            return read_head(path / ARCHIVE).info.id == self._cube and is_whole(path / ARCHIVE)
        except TreememError:
            return False

    def _remove(self, path: Path) -> None:
        """Remove the files that treemem writes into a backup, then the folder if nothing else lies in it."""
        for name in (GRAPH, UNFINISHED, ORIGIN, ARCHIVE):
            if files.is_file(path / name):
                (path / name).unlink()
        with contextlib.suppress(OSError):  # something of somebody else lies there, and stays
            path.rmdir()


def _stamp(clock: int) -> str:
    return from_micros(clock).strftime(_STAMP).rjust(len("00000000T000000.000000Z"), "0")


def _after(name: str) -> str:
    """Return the name a microsecond after a backup's; "" if there is none."""
    try:
        return _stamp(to_micros(datetime.strptime(name, _STAMP).replace(tzinfo=UTC)) + 1)
    except (ValueError, OverflowError, TreememError):
        return ""
