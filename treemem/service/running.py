"""Runs verbs, which block, in threads: a bounded number at once, with progress, and a way to end early."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import anyio
import anyio.from_thread
import anyio.to_thread

from treemem.errors import TreememError

T = TypeVar("T")
#: What a verb calls with (done, total).
Progress = Callable[[int, int | None], None]
#: What tells a client how far a call is.
Report = Callable[[float, float | None], Coroutine[Any, Any, None]]

#: How many verbs run at once, and how many calls may wait for one of these places.
AT_ONCE, WAITING = 8, 64
#: Seconds between two reports of progress.
PAUSE = 0.04


class BusyError(TreememError):
    """More calls wait than the server takes."""


class Runner:
    """The threads of one server."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._limiter = anyio.CapacityLimiter(at_once)
        self._most = at_once + waiting
        self._calls = 0

    @property
    def calls(self) -> int:
        """How many calls run or wait."""
        return self._calls

    async def run(self, work: Callable[[Progress], T], report: Report | None = None) -> T:
        """Return what `work` returns; it is given what to call with its progress.

        A call that is cancelled while it waits never runs. One that runs ends at its next report of progress: what it
        wrote until then is whole and stays. One that reports nothing ends when it is done. Raises BusyError where too
        many calls wait.
        """
        if self._calls >= self._most:
            raise BusyError(f"{self._calls} calls run or wait already; try again later")
        self._calls += 1
        try:
            return await anyio.to_thread.run_sync(functools.partial(work, _progress(report)), limiter=self._limiter)
        finally:
            self._calls -= 1


def _progress(report: Report | None) -> Progress:
    last = 0.0

    def tell(done: int, total: int | None) -> None:
        nonlocal last
        anyio.from_thread.check_cancelled()
        now = time.monotonic()
        if report is not None and (now - last >= PAUSE or done == total):
            last = now
            anyio.from_thread.run(report, float(done), None if total is None else float(total))

    return tell
