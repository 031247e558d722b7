"""Runs verbs, which block, in threads: a bounded number at once, by turns, with progress, and a way to end early."""

from __future__ import annotations

import functools
import time
from collections import Counter, OrderedDict, deque
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

#: How many verbs run at once, and how many calls of one owner may wait for one of these places.
AT_ONCE, WAITING = 8, 64
#: Seconds between two reports of progress.
PAUSE = 0.04


class BusyError(TreememError):
    """More calls wait than the server takes."""


class Runner:
    """The threads of one server, which all for whom it works get by turns.

    Whoever waits for a place is in the line of its `owner`, a project say. A place that becomes free goes to the next
    line, not to who came first, and no owner with a name has all of four places or more: so one owner's thousand
    calls, or its slow ones, hold up nobody else. `waiting` is how long each line may be.
    """

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._limiter = anyio.CapacityLimiter(at_once)
        self._waiting = waiting
        self._most = at_once - at_once // 4
        self._free = at_once
        self._running: Counter[str] = Counter()
        self._lines: OrderedDict[str, deque[anyio.Event]] = OrderedDict()

    @property
    def calls(self) -> int:
        """How many calls run or wait."""
        return self._running.total() + sum(map(len, self._lines.values()))

    async def run(self, work: Callable[[Progress], T], report: Report | None = None, *, owner: str = "") -> T:
        """Return what `work` returns; it is given what to call with its progress.

        A call that is cancelled while it waits never runs. One that runs ends at its next report of progress: what it
        wrote until then is whole and stays. One that reports nothing ends when it is done. Raises BusyError where too
        many calls of its owner wait.
        """
        await self._place(owner)
        try:
            return await anyio.to_thread.run_sync(functools.partial(work, _progress(report)), limiter=self._limiter)
        finally:
            self._leave(owner)

    async def _place(self, owner: str) -> None:
        if self._may_run(owner) and owner not in self._lines:
            self._take(owner)
            return
        line = self._lines.setdefault(owner, deque())
        if len(line) >= self._waiting:
            running = self._running[owner]
            if not line:
                del self._lines[owner]
            raise BusyError(f"{running + len(line)} calls run or wait already; try again later")
        turn = anyio.Event()
        line.append(turn)
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self._leave(owner)
            else:
                line.remove(turn)
                if not line:
                    del self._lines[owner]
            raise

    def _may_run(self, owner: str) -> bool:
        return self._free > 0 and (not owner or self._running[owner] < self._most)

    def _take(self, owner: str) -> None:
        self._free -= 1
        self._running[owner] += 1

    def _leave(self, owner: str) -> None:
        """Give a place back, and to the line whose turn it is."""
        self._free += 1
        self._running[owner] -= 1
        if not self._running[owner]:
            del self._running[owner]
        for name in list(self._lines):
            if not self._may_run(name):
                continue
            line = self._lines[name]
            self._take(name)
            line.popleft().set()
            if line:
                self._lines.move_to_end(name)
            else:
                del self._lines[name]
            if not self._free:
                return


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
