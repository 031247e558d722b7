"""Recalls counted beside the search: noted in memory, written by a thread of its own a few seconds later."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable

from treemem.errors import TreememError
from treemem.forks import renew_in_children
from treemem.store.protocol import WriteStore

log = logging.getLogger("treemem.usage")
FLUSH_SECONDS = 5.0
FLUSH_COUNT = 500


class UsageLog:
    """Counts recalls of memories by cube. Thread-safe; a store that fails loses counts, never a search.

    Its thread, the only one, lives while there is something to write. A forked child counts for itself.
    """

    def __init__(self, store: WriteStore, now: Callable[[], int], seconds: float = FLUSH_SECONDS) -> None:
        self._store = store
        self._now = now
        self._seconds = seconds
        self._closed = False
        self._failing = False
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Begin anew in a forked child, which has no thread but its own; its parent writes what it had counted."""
        self._lock = threading.Lock()
        #: Held while counts are being written, so that `flush` returns after every count before it is in the store.
        self._writing = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, recalled: Iterable[tuple[str, str]]) -> None:
        """Count recalls, given as (cube, memory id)."""
        with self._lock:
            self._counts.update(recalled)
            if self._thread is None and self._counts and not self._closed:
                self._thread = threading.Thread(target=self._work, name="treemem-usage", daemon=True)
                self._thread.start()
            if len(self._counts) >= FLUSH_COUNT:
                self._wake.set()

    def flush(self) -> None:
        """Write what was counted, each cube in one write."""
        with self._writing:
            with self._lock:
                counts, self._counts = self._counts, Counter()
            by_cube: dict[str, dict[str, int]] = {}
            for (cube, memory_id), count in counts.items():
                by_cube.setdefault(cube, {})[memory_id] = count
            for cube, own in sorted(by_cube.items()):
                self._write(cube, own)

    def _write(self, cube: str, counts: dict[str, int]) -> None:
        try:
            self._store.record_usage(cube, counts, self._now())
        except TreememError as error:
            if not self._failing:  # said once, until it works again
                message = "recalls in cube %s were not counted (record_usage=False counts none): %s"
                log.warning(message, cube, error)
            self._failing = True
        else:
            self._failing = False

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._lock:
            self._closed, thread, self._thread = True, self._thread, None
        self._wake.set()
        if thread is not None and thread is not threading.current_thread():
            thread.join()
        self.flush()

    def _work(self) -> None:
        while self._goes_on():
            self._wake.wait(self._seconds)
            self._wake.clear()
            self.flush()

    def _goes_on(self) -> bool:
        """Whether there is something to count; if not, the thread is given up and the next recall starts another."""
        with self._lock:
            if self._counts and not self._closed:
                return True
            if self._thread is threading.current_thread():
                self._thread = None
            return False
