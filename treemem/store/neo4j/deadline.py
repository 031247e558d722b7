"""A deadline for calls that may never return: a server that stops answering must not hold its caller."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

R = TypeVar("R")
_Job = tuple[Callable[[], Any], "Future[Any]"]


class Deadline:
    """Runs calls on daemon threads and gives up on one after `seconds`.

    The driver has no read timeout of its own, so a silent connection would block for minutes. A thread that is given
    up on ends by itself when its connection does; it is not used again.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._idle: queue.SimpleQueue[queue.SimpleQueue[_Job]] = queue.SimpleQueue()

    def run(self, call: Callable[[], R]) -> R:
        """Return what `call` returns, raise what it raises, or raise TimeoutError after the deadline."""
        return self.begin(call)()

    def begin(self, call: Callable[[], R], seconds: float | None = None) -> Callable[[], R]:
        """Start `call` and return a function that waits for it, as `run` would; `seconds` may shorten the deadline."""
        limit = self.seconds if seconds is None else min(seconds, self.seconds)
        try:
            worker = self._idle.get_nowait()
        except queue.Empty:
            worker = self._start()
        future: Future[R] = Future()
        started = time.monotonic()
        worker.put((call, future))

        def wait() -> R:
            try:
                return future.result(max(0.0, started + limit - time.monotonic()))
            except FutureTimeoutError:
                if future.done():
                    raise  # the call's own TimeoutError
                raise TimeoutError(f"no answer within {limit:g} seconds") from None

        return wait

    def _start(self) -> queue.SimpleQueue[_Job]:
        jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        threading.Thread(target=self._work, args=(jobs,), name="treemem-neo4j", daemon=True).start()
        return jobs

    def _work(self, jobs: queue.SimpleQueue[_Job]) -> None:
        while True:
            call, future = jobs.get()
            try:
                result = call()
            except BaseException as error:
                self._idle.put(jobs)
                future.set_exception(error)
            else:
                self._idle.put(jobs)
                future.set_result(result)
            del call, future
