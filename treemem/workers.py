"""What the threads of a memory and of all its views share: the background workers, and the turn to plan again."""

from __future__ import annotations

from collections.abc import Callable

from treemem.errors import StoreUnavailableError
from treemem.forks import ForkLock


class Workers:
    """What stops each worker that was started: whoever closes the store ends them first.

    Thread-safe; after `close` none starts any more. `turn` is held by the one whose change is planned again after a
    conflict.
    """

    def __init__(self) -> None:
        self._lock = ForkLock()
        self._stops: list[Callable[[], object]] = []
        self._closed = False
        self.turn = ForkLock()

    def add(self, stop: Callable[[], object]) -> None:
        """Note how to stop a worker that is about to start; raises StoreUnavailableError after `close`."""
        with self._lock:
            if self._closed:
                raise StoreUnavailableError("the memory is closed; open it again to start a worker")
            if stop not in self._stops:
                self._stops.append(stop)

    def discard(self, stop: Callable[[], object]) -> None:
        """Forget a worker that has ended."""
        with self._lock:
            if stop in self._stops:
                self._stops.remove(stop)

    def close(self) -> None:
        """Stop every worker and wait for its end."""
        with self._lock:
            self._closed, stops, self._stops = True, self._stops, []
        for stop in stops:
            stop()
