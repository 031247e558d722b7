"""Transactions over one SQLite file: on which connection, and what is checked before anybody is told "done"."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

from tenacity import Retrying, retry_if_exception_message, stop_after_delay, wait_random

from treemem.errors import StoreError, StoreUnavailableError, TreememError
from treemem.filters.like import like
from treemem.store.sqlite import files, mark, migrating
from treemem.store.sqlite.failures import is_full, read_only, translate
from treemem.store.sqlite.files import LOG, SHARED, Access, Place, place_of
from treemem.store.sqlite.forking import GATE
from treemem.store.sqlite.pool import Pool

log = logging.getLogger("treemem.store")
#: How often a file that changes its inode while it is opened (some layered file systems do) is opened again.
_OPENINGS = 3


class Database:
    """One SQLite file: pooled connections, explicit transactions, numbered migrations."""

    def __init__(self, path: Path, timeout: float) -> None:
        self.path = path
        #: The file itself, whatever the working directory becomes and whichever links lead to it.
        self._file = path.absolute()
        self._real = path.resolve()
        self._log, self._shared = files.beside(self._real, LOG), files.beside(self._real, SHARED)
        self._timeout = timeout
        self._closed = False
        self._place: Place | None = None
        self._pool = Pool(self._connect, path, timeout)
        self.renew()
        GATE.watch(self)

    def renew(self) -> None:
        """Begin anew without a connection, in a forked child or at first: locks, and what is known of the log."""
        self._lock = threading.RLock()
        self._write_lock = threading.Lock()
        #: Holds the log open, and does nothing else: nobody takes the log away while it lives.
        self._anchor: sqlite3.Connection | None = None
        self._access = Access.WRITE
        self._marked = False
        self._beside: dict[Path, Place] = {}
        self._unchanged: tuple[int, int] | None = None
        self._pool.renew()

    def let_go(self, *, for_good: bool = False) -> None:
        """Close every connection; the next transaction opens others."""
        with self._lock:
            self._closed = self._closed or for_good
            self._pool.close(for_good=for_good)
            anchor, self._anchor = self._anchor, None
            if anchor is not None:
                anchor.close()

    # opening

    def _open(self) -> None:
        """Open the file if it is not, and know it again by its place from then on."""
        with self._lock:
            if self._closed:
                raise StoreUnavailableError(f"the store {self.path} is closed; open it again")
            if self._anchor is not None:
                return
            if self._place is None:
                files.prepare(self._file)
                mark.refuse_foreign_log(self.path, self._real)
                if mark.misses_log(self._real):
                    log.warning(
                        "%s was open when it was copied, or its process was killed and its log (%s) was lost: what "
                        "was written last may be missing. Copies are made by dump(), or with every memory closed",
                        self.path,
                        LOG,
                    )
            self._access = files.access_to(self._real)
            try:
                self._anchor = self._anchored()
            except sqlite3.Error as error:
                if not (is_full(error, self.path) and files.size_of(self._log) == 0 and files.size_of(self._real) > 0):
                    raise
                log.warning("%s: no space left, so that it can be read alone until it is opened again", self.path)
                self._access = files.Access.STILL
                self._anchor = self._anchored()
            self._watch()

    def _anchored(self) -> sqlite3.Connection:
        for _ in range(_OPENINGS):
            place = place_of(self._file)
            if self._place not in (None, place):
                raise self._moved()
            conn = self._raw()
            if place_of(self._file) == place:
                break
            conn.close()
        else:
            raise self._moved()
        try:
            self._prepare(conn)
            tables = conn.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'file_mark'").fetchone()
        except sqlite3.Error:
            conn.close()
            raise
        self._place = place
        self._marked = bool(tables[0])
        return conn

    def _watch(self) -> None:
        """Remember which files lie beside the database, so that their loss is noticed."""
        self._unchanged = self._size_and_time() if self._access is Access.STILL else None
        beside = () if self._access is Access.STILL else (self._log, self._shared)
        self._beside = {path: place for path in beside if (place := place_of(path)) is not None}

    def _size_and_time(self) -> tuple[int, int]:
        found = self._real.stat()
        return found.st_size, found.st_mtime_ns

    def _raw(self) -> sqlite3.Connection:
        return sqlite3.connect(
            f"{self._file.as_uri()}?{self._access.value}",
            uri=True,
            timeout=self._timeout,
            isolation_level=None,
            check_same_thread=False,
        )

    def _connect(self) -> sqlite3.Connection:
        """Return a new connection to the file that was opened first, and to no other."""
        conn = self._raw()
        try:
            if place_of(self._file) != self._place:
                raise self._moved()
            self._prepare(conn)
        except BaseException:
            conn.close()
            raise
        return conn

    @staticmethod
    def _prepare(conn: sqlite3.Connection) -> None:
        """Set up a connection: what is deleted is overwritten, a commit waits for the disk, 64 MiB of pages are kept,
        and the log goes into the file when it has 4,000 pages (16 MB).
        """
        conn.create_function("text_like", 2, like, deterministic=True)
        conn.execute("PRAGMA foreign_keys = ON")
        conn.execute("PRAGMA secure_delete = ON")
        conn.execute("PRAGMA synchronous = FULL")
        conn.execute("PRAGMA cache_size = -65536")
        conn.execute("PRAGMA wal_autocheckpoint = 4000")

    # checks

    def _moved(self) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"{self.path} was removed, or replaced by another file, while it was open; nothing was written. Close this "
            "memory. To go on, put the file back and open it again; to use the file that is there now, move "
            f"{self._log} and {self._shared.name} away before you open it"
        )

    def _check(self) -> None:
        """Raise StoreUnavailableError unless the files are those that were opened."""
        if place_of(self._file) != self._place:
            raise self._moved()
        for path, place in self._beside.items():
            if place_of(path) != place:
                raise StoreUnavailableError(
                    f"{path} was removed or replaced while {self.path} was open; nothing was written. Close this "
                    "memory, which saves what the log held as far as it can, and open it again"
                )

    def _check_still(self) -> None:
        """Read a file anew that nobody could be seen to write, if somebody wrote it."""
        if self._access is Access.STILL:
            changed = self._size_and_time() != self._unchanged or files.size_of(self._log) > 0
            if changed:
                self.let_go()
                self._open()

    # transactions

    @contextlib.contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One snapshot: everything read inside sees the same commit."""
        with self._translated(), GATE.passed():
            self._open()
            self._check()
            self._check_still()
            self._pool.wait_turn()
            try:
                with self._transaction("BEGIN") as conn:
                    yield conn
                    conn.execute("COMMIT")
                self._end_of_still()
            finally:
                self._pool.end_turn()

    def _end_of_still(self) -> None:
        if self._access is Access.STILL and self._size_and_time() != self._unchanged:
            raise StoreUnavailableError(f"{self.path} was changed by another process while it was read; ask again")

    @contextlib.contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """The one writer: locked from the start, committed at the end, rolled back on any exception.

        Nothing is acknowledged that lies in a file which is not there any more.
        """
        with self._translated(), GATE.passed():
            self._open()
            self._refuse_reading_only()
            with self._write_lock:
                with self._transaction("BEGIN IMMEDIATE") as conn:
                    yield conn
                    self._commit(conn)
                if place_of(self._file) != self._place:
                    raise StoreUnavailableError(
                        f"{self.path} was removed, or replaced by another file, while this was written: it is not in "
                        "the file that is there now. Close this memory, see to the file, and repeat the call"
                    )

    def _refuse_reading_only(self) -> None:
        if self._access is not Access.WRITE:
            raise read_only(self.path)

    def _commit(self, conn: sqlite3.Connection, *, opened: bool = True) -> None:
        """Commit with a mark, once there is a table for it."""
        before = None
        if self._marked:
            assert self._place is not None
            before = mark.stamp(conn, self._place, self._beside.get(self._log) or Place(0, 0), opened=opened)
        self._check()
        conn.execute("COMMIT")
        if self._marked and opened and (before is None or not before.open):
            conn.execute("PRAGMA wal_checkpoint(PASSIVE)")  # the file itself says that it is open

    def _mark(self, *, opened: bool = True) -> None:
        """Write a mark and nothing else; it reaches the disk with what follows it."""
        with self._write_lock:
            self._check()
            with self._transaction("BEGIN IMMEDIATE", "NORMAL") as conn:
                self._commit(conn, opened=opened)

    @contextlib.contextmanager
    def _transaction(self, begin: str, synchronous: str = "FULL") -> Iterator[sqlite3.Connection]:
        """Lend a connection inside a transaction, which whoever asked commits; anything else rolls it back."""
        conn, generation = self._pool.take()
        sound = False
        try:
            if synchronous != "FULL":
                conn.execute(f"PRAGMA synchronous = {synchronous}")
            conn.execute(begin)
            yield conn
            sound = True
        except TreememError:
            sound = True
            raise
        finally:
            try:
                if conn.in_transaction:
                    conn.execute("ROLLBACK")
                if synchronous != "FULL":
                    conn.execute("PRAGMA synchronous = FULL")
            except sqlite3.Error:
                sound = False
            # a statement may be half read where something unforeseen went wrong, and would hold an old snapshot
            if sound:
                self._pool.give(conn, generation)
            else:
                conn.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translate(error, self.path) from error

    # migrations

    def migrate(self) -> list[str]:
        """Run the migrations that are missing, each in its own transaction, and return their names."""
        with self.read() as conn:
            version = migrating.checked_version(conn, self.path)
        if self._access is not Access.WRITE:
            migrating.refuse_old(version, self.path)
            return []
        with self._translated(), GATE.passed():
            self._use_log()
        done = []
        for number, (name, statements) in enumerate(migrating.scripts(), start=1):
            if version >= number:
                continue
            with self.write() as conn:
                if migrating.version_of(conn) < number:
                    migrating.run(conn, number, statements)
                    done.append(name)
        with self._lock:
            self._marked = True
        with self._translated(), GATE.passed():
            self._open()
            self._mark()  # the log has one from now on
        return done

    def _use_log(self) -> None:
        """Let SQLite write a log, from which readers are never kept waiting."""
        self._open()
        with self._lock:
            assert self._anchor is not None
            for attempt in Retrying(
                retry=retry_if_exception_message(match=".*locked.*"),
                stop=stop_after_delay(self._timeout),
                wait=wait_random(0.01, 0.1),
                reraise=True,
            ):
                with attempt:
                    self._anchor.execute("PRAGMA journal_mode = WAL")
            self._anchor.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # makes the log
            self._watch()

    # what was erased

    def scrub(self) -> None:
        """Leave no byte of what was deleted in the file or its log.

        Raises StoreError that says what is left to do; deleting again, also what is gone already, does it.
        """
        with GATE.passed():
            self._open()
            with self._write_lock:
                self._empty_log()  # its room is needed; what fails here fails again below
                fault = self._vacuum() or self._empty_log()
        if fault is not None:
            raise fault
        try:
            with self._translated(), GATE.passed():
                self._mark()  # the log has one again
        except StoreError as error:
            raise _unfinished(self.path, str(error), error) from error

    def _vacuum(self) -> StoreError | None:
        """Write the file anew without what pages keep of rows that were moved in them."""
        conn, generation = self._pool.take()
        try:
            conn.execute("VACUUM")
        except sqlite3.Error as error:
            left = self._empty_log()
            return _unfinished(self.path, f"free pages of the file may keep some bytes: {error}", left or error)
        finally:
            self._pool.give(conn, generation)
        return None

    def _empty_log(self) -> StoreError | None:
        conn, generation = self._pool.take()
        try:
            if conn.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]:
                return _unfinished(
                    self.path, "another connection still holds the write-ahead log, which may keep the bytes", None
                )
        except sqlite3.Error as error:
            return _unfinished(self.path, f"the write-ahead log may keep the bytes: {error}", error)
        finally:
            self._pool.give(conn, generation)
        return None

    def close(self) -> None:
        """Close every connection; what is in use is closed when its transaction ends."""
        with GATE.passed():
            if self._place is not None and not self._closed:
                self._say_closed()
            self.let_go(for_good=True)

    def _say_closed(self) -> None:
        """Mark the file as whole without its log. Where that fails, the next one to open it is told, no more."""
        try:
            self._open()
            if not self._marked or self._access is not Access.WRITE:
                return
            self._mark(opened=False)
        except (sqlite3.Error, StoreError) as error:
            log.info("%s is not marked as closed: %s", self.path, error)


def _unfinished(path: Path, what: str, cause: Exception | None) -> StoreError:
    fault = StoreUnavailableError(
        f"{path}: what was to be erased is erased, but {what}. Free space, let other processes end their reading, and "
        "purge the same ids again (or any others) to finish"
    )
    fault.__cause__ = cause
    return fault
