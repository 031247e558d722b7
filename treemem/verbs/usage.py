"""Recalls counted beside the search: noted in memory, written by a thread of its own a few seconds later."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterable

from treemem.errors import TreememError
from treemem.store.protocol import GraphStore

log = logging.getLogger("treemem.usage")
FLUSH_SECONDS = 5.0
FLUSH_COUNT = 500


class UsageLog:
    """Counts recalls of memories by cube. Thread-safe; a store that fails loses counts, never a search.

    Its thread lives while there is something to write.
    """

    def __init__(self, store: GraphStore, now: Callable[[], int], seconds: float = FLUSH_SECONDS) -> None:
        self._store = store
        self._now = now
        self._seconds = seconds
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()
        self._wake = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def note(self, recalled: Iterable[tuple[str, str]]) -> None:
        """Count recalls, given as (cube, memory id)."""
        with self._lock:
            self._counts.update(recalled)
            if self._thread is None and not self._closed:
                self._thread = threading.Thread(target=self._work, name="treemem-usage", daemon=True)
                self._thread.start()
            if len(self._counts) >= FLUSH_COUNT:
                self._wake.set()

    def flush(self) -> None:
        """Write what was counted."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
        for cube in sorted({cube for cube, _ in counts}):
            own = Counter({memory_id: count for (other, memory_id), count in counts.items() if other == cube})
            try:
                self._write(cube, own)
            except TreememError as error:
                message = "recalls in cube %s were not counted (record_usage=False counts none): %s"
                log.warning(message, cube, error)

    def _write(self, cube: str, counts: Counter[str]) -> None:
        """Write how often each memory of a cube was recalled, one time after the other."""
        while counts:
            self._store.record_usage(cube, sorted(counts), self._now())
            counts = Counter({memory_id: count - 1 for memory_id, count in counts.items() if count > 1})

    def close(self) -> None:
        """Write what is left and end the thread."""
        with self._lock:
            self._closed, thread, self._thread = True, self._thread, None
        self._wake.set()
        if thread is not None:
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
