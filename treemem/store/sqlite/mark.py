"""The mark by which a database file and its write-ahead log know each other.

SQLite plays a log back over whatever file it finds under the name: also over a backup that was put in the place of an
open memory's file, or of one that was killed. So every transaction writes a mark: whose database this is, how many
transactions it has seen, which file and which log it was written through. A log without gaps begins with the
transaction after the file's last one, or with one the file has. Any other is not the file's.
"""

from __future__ import annotations

import secrets
import sqlite3
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from treemem.errors import StoreUnavailableError
from treemem.store.sqlite.files import LOG, SHARED, Place, beside, place_of, size_of

_MAGIC = b"treemem file 1\0\0"
#: Magic, id, number of transactions, whether it is open, device and inode of the file, of the log.
_FORM = struct.Struct(">16s16sQBQQQQ")
#: How SQLite writes the row (1, mark) that is alone on its page: length, key, header, types NULL and BLOB. The type of
#: a BLOB is 12 and twice its size; more than 127 takes two bytes, seven bits in each.
_TYPE = 12 + 2 * _FORM.size
_ROW = bytes((_FORM.size + 4, 1, 4, 0, 0x80 | _TYPE >> 7, _TYPE & 0x7F))
#: The first byte of a page that holds rows of a table.
_LEAF = 0x0D
#: The headers of a write-ahead log and of each page in it.
_HEADER, _FRAME = struct.Struct(">IIIIIIII"), struct.Struct(">IIIIII")
#: A process that writes at the moment can make a log look foreign for an instant; so often it is looked at again.
_LOOKS, _PAUSE = 10, 0.05


class Mark(NamedTuple):
    """One transaction's mark."""

    id: bytes
    transactions: int
    #: Whether a memory that writes had it open.
    open: bool
    file: Place
    log: Place

    def packed(self) -> bytes:
        return _FORM.pack(_MAGIC, self.id, self.transactions, self.open, *self.file, *self.log)

    @classmethod
    def read(cls, data: bytes) -> Mark | None:
        """Return what was packed, None if it was something else."""
        if len(data) != _FORM.size or not data.startswith(_MAGIC):
            return None
        _, own, transactions, opened, *places = _FORM.unpack(data)
        return cls(own, transactions, bool(opened), Place(*places[:2]), Place(*places[2:]))


def current(conn: sqlite3.Connection) -> Mark | None:
    """Return the mark of the last transaction, None if nobody has set one."""
    return Mark.read(conn.execute("SELECT mark FROM file_mark").fetchone()[0])


def stamp(conn: sqlite3.Connection, file: Place, log: Place, *, opened: bool = True) -> Mark | None:
    """Mark the write transaction under way, and return the mark of the one before."""
    before = current(conn)
    own, transactions = (secrets.token_bytes(16), 0) if before is None else (before.id, before.transactions)
    mark = Mark(own, transactions + 1, opened, file, log)
    conn.execute("UPDATE file_mark SET mark = ?", (mark.packed(),))
    return before


def refuse_foreign_log(path: Path, real: Path) -> None:
    """Raise StoreUnavailableError if the log beside the database was written for another file.

    `real` is the path free of links. Call it before SQLite opens the file.
    """
    log = beside(real, LOG)
    if not size_of(log):
        return
    for look in range(_LOOKS):
        if look:
            time.sleep(_PAUSE)
        if not _is_foreign(real):
            return
    raise StoreUnavailableError(
        f"{log} is the log of another file than {path}: that one was replaced, by a backup or a copy, while a memory "
        "had it open or after one was killed. Nothing was read or written. To use the file that is there now, close "
        f"every memory of it, move {log} and {beside(real, SHARED).name} away, and open it again; to go on with the "
        "one before, put it back"
    )


def misses_log(real: Path) -> bool:
    """Whether the file was open when it was copied, or its process ended, and its log is not there."""
    if place_of(beside(real, LOG)) is not None:
        return False
    found, mark = _of_file(real)
    return found and mark is not None and mark.open


def _is_foreign(real: Path) -> bool:
    readable, of_file = _of_file(real)
    marks = list(_of_log(beside(real, LOG)))
    if not marks:
        return False
    first, last = marks[0], marks[-1]
    if last.log == place_of(beside(real, LOG)) and last.file != place_of(real):
        return True
    if not readable:
        return False  # a kill while the log was written into the file leaves it so; playing it back mends it
    if of_file is None:
        return first.transactions > 1  # the file has no mark yet: the log must bring the first
    return of_file.id != last.id or not first.transactions - 1 <= of_file.transactions <= last.transactions


def _of_file(real: Path) -> tuple[bool, Mark | None]:
    """Return whether the file itself, without its log, can be read, and its mark."""
    try:
        conn = sqlite3.connect(real.as_uri() + "?mode=ro&immutable=1", uri=True)
        try:
            if not conn.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'file_mark'").fetchone()[0]:
                return True, None
            return True, current(conn)
        finally:
            conn.close()
    except sqlite3.Error:
        return False, None


def _of_log(log: Path) -> Iterator[Mark]:
    """Yield the marks in a log that SQLite would play back, in order."""
    try:
        with log.open("rb") as file:
            header = file.read(_HEADER.size)
            if len(header) < _HEADER.size:
                return
            _, _, size, _, *salts, _, _ = _HEADER.unpack(header)
            size = size or 65_536
            while len(frame := file.read(_FRAME.size + size)) == _FRAME.size + size:
                _, _, *of_frame, _, _ = _FRAME.unpack_from(frame)
                if of_frame != salts:
                    return
                mark = _on_page(frame[_FRAME.size :])
                if mark is not None:
                    yield mark
    except FileNotFoundError:
        return


def _on_page(page: bytes) -> Mark | None:
    """Return the mark that a page holds, None if it is a page of something else, whatever its rows say."""
    start = len(page) - _FORM.size - len(_ROW)
    alone = page[0] == _LEAF and page[3:5] == b"\0\1" and page[8:10] == start.to_bytes(2, "big")
    if not alone or page[start : start + len(_ROW)] != _ROW:
        return None
    return Mark.read(page[start + len(_ROW) :])
