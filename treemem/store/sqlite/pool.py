"""A bounded number of connections that threads borrow for one transaction each."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

from treemem.errors import StoreUnavailableError

#: So many transactions read at once; further threads wait for their turn.
MOST = 32
#: So many connections are kept while nobody uses them.
KEPT = 8


class Pool:
    """Lends connections. What a thread gives back serves the next, so that a thread's end leaves nothing behind."""

    def __init__(self, opener: Callable[[], sqlite3.Connection], path: Path, timeout: float) -> None:
        self._opener = opener
        self._path = path
        self._timeout = timeout
        self.renew()

    def renew(self) -> None:
        """Begin anew without a connection, where no other thread lives."""
        self._lock = threading.Lock()
        self._free: list[sqlite3.Connection] = []
        self._turns = threading.BoundedSemaphore(MOST)
        self._generation = 0
        self._kept = KEPT

    def __len__(self) -> int:
        """How many connections nobody uses."""
        return len(self._free)

    def wait_turn(self) -> None:
        """Wait until fewer than MOST transactions read. Raises StoreUnavailableError after the timeout."""
        if not self._turns.acquire(timeout=self._timeout):
            raise StoreUnavailableError(
                f"{self._path}: {MOST} reads were under way for {self._timeout:g} seconds; ask in fewer threads"
            )

    def end_turn(self) -> None:
        """Let another one read."""
        self._turns.release()

    def take(self) -> tuple[sqlite3.Connection, int]:
        """Return a connection that nobody uses, and the generation to give it back with."""
        with self._lock:
            if self._free:
                return self._free.pop(), self._generation
            generation = self._generation
        return self._opener(), generation

    def give(self, conn: sqlite3.Connection, generation: int) -> None:
        """Take a connection back; it is closed if enough are kept, or if all were closed meanwhile."""
        with self._lock:
            if generation == self._generation and len(self._free) < self._kept:
                self._free.append(conn)
                return
        conn.close()

    def close(self, *, for_good: bool = False) -> None:
        """Close those that nobody uses; those in use are closed when they come back."""
        with self._lock:
            free, self._free = self._free, []
            self._generation += 1
            self._kept = 0 if for_good else self._kept
        for conn in free:
            conn.close()
