"""Lanes: threads that talk to the server, each with a driver of its own, so that one can be given up alone.

The driver has no read timeout, and no way to end one connection from outside: only a whole driver can be closed. A call
therefore runs in a lane, a thread with a driver that nobody else uses. When a call is not answered in time, its
caller goes on at once and only this lane's driver is closed, which ends the thread; all other calls are left alone.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any, TypeVar

import neo4j

from treemem.errors import StoreUnavailableError

R = TypeVar("R")
log = logging.getLogger("treemem.store")
#: How many lanes there are at most. A call that finds all of them busy waits for one.
MOST = 100
#: Seconds after which a lane that nobody needed ends.
IDLE = 300.0


class Lane:
    """One thread and its driver. `given_up` is set once its caller has gone on without it."""

    def __init__(self, connect: Callable[[], neo4j.Driver], *, owned: bool) -> None:
        """`owned` is whether `connect` returns a driver of this lane's own, which it closes."""
        self._connect = connect
        self._owned = owned
        self._driver: neo4j.Driver | None = None
        self.given_up = threading.Event()
        self.jobs: queue.SimpleQueue[tuple[Callable[[Lane], Any], Future[Any]] | None] = queue.SimpleQueue()
        self.current: Future[Any] | None = None
        self.thread: threading.Thread | None = None

    @property
    def driver(self) -> neo4j.Driver:
        """The driver; made when it is first asked for."""
        if self._driver is None:
            self._driver = self._connect()
        return self._driver

    def cut(self) -> None:
        """Close the driver, if it is this lane's own; a call that waits for the server then ends with an error.

        Raises nothing: the driver is not made to be closed by one thread while another one writes to its connection,
        and may fail then with any exception. Nobody waits for either by then.
        """
        if self._owned and self._driver is not None:
            try:
                self._driver.close()
            except Exception as error:
                log.info("a connection that was given up did not close in order: %r", error)


class Lanes:
    """Runs calls in lanes and gives up on one after `seconds`. Thread-safe."""

    def __init__(self, connect: Callable[[], neo4j.Driver], seconds: float, *, owned: bool) -> None:
        self._connect = connect
        self._owned = owned
        self.seconds = seconds
        self._changed = threading.Condition()
        self._all: set[Lane] = set()
        self._idle: list[Lane] = []
        self._cutting: set[threading.Thread] = set()
        self._closed = False

    def run(self, call: Callable[[Lane], R]) -> R:
        """Return what `call` returns, raise what it raises, or raise TimeoutError after the deadline."""
        return self.begin(call)()

    def begin(self, call: Callable[[Lane], R], seconds: float | None = None) -> Callable[[], R]:
        """Start `call` and return a function that waits for it, as `run` would; `seconds` may shorten the deadline."""
        limit = self.seconds if seconds is None else min(seconds, self.seconds)
        end = time.monotonic() + limit
        future: Future[R] = Future()
        lane = self._taken(future, limit)
        lane.jobs.put((call, future))

        def wait() -> R:
            try:
                return future.result(max(0.0, end - time.monotonic()))
            except FutureTimeoutError:
                if not self._given_up(lane, future):
                    return future.result()  # it ended at this moment, or the call raised a TimeoutError of its own
                raise TimeoutError(f"no answer within {limit:g} seconds") from None

        return wait

    def _taken(self, future: Future[Any], limit: float) -> Lane:
        """Return the lane that rested last, or a new one; raise TimeoutError if all stay busy."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._closed or self._idle or len(self._all) < MOST, limit):
                raise TimeoutError(f"all {MOST} connections stayed busy for {limit:g} seconds")
            if self._closed:
                raise StoreUnavailableError("the store is closed; open it again")
            if self._idle:
                lane = self._idle.pop()
            else:
                lane = Lane(self._connect, owned=self._owned)
                self._all.add(lane)
                lane.thread = threading.Thread(target=self._work, args=(lane,), name="treemem-neo4j", daemon=True)
                lane.thread.start()
            lane.current = future
            return lane

    def _given_up(self, lane: Lane, future: Future[Any]) -> bool:
        """Give up on a lane that is still busy with a call; return whether it was."""
        with self._changed:
            if lane.current is not future:
                return False
            lane.given_up.set()
        self._cut(lane)
        return True

    def _cut(self, lane: Lane) -> None:
        """Close a lane's driver beside the caller: saying goodbye to a server that is silent may block."""

        def cut() -> None:
            lane.cut()
            with self._changed:
                self._cutting.discard(threading.current_thread())

        thread = threading.Thread(target=cut, name="treemem-neo4j-close", daemon=True)
        with self._changed:
            self._cutting.add(thread)
            thread.start()

    def _work(self, lane: Lane) -> None:
        try:
            while (job := self._next(lane)) is not None:
                call, future = job
                try:
                    result = call(lane)
                except BaseException as error:
                    self._rested(lane)
                    future.set_exception(error)
                else:
                    self._rested(lane)
                    future.set_result(result)
                del call, future, job
        finally:
            lane.cut()
            with self._changed:
                self._all.discard(lane)
                self._changed.notify()

    def _rested(self, lane: Lane) -> None:
        """Make a lane free for the next call before its caller hears of the result and asks for a lane again."""
        with self._changed:
            lane.current = None
            if not self._closed and not lane.given_up.is_set():
                self._idle.append(lane)
                self._changed.notify()

    def _next(self, lane: Lane) -> tuple[Callable[[Lane], Any], Future[Any]] | None:
        """Return the lane's next call, None if there will be none."""
        while True:
            with self._changed:
                if lane.current is None and lane not in self._idle:
                    return None  # given up, or closed
            try:
                return lane.jobs.get(timeout=IDLE)
            except queue.Empty:
                with self._changed:
                    if lane in self._idle:
                        self._idle.remove(lane)
                        return None

    def close(self, seconds: float) -> int:
        """End every lane, calls that run included, and return how many threads had not ended after `seconds`."""
        with self._changed:
            self._closed = True
            resting, self._idle = self._idle, []
            busy = [lane for lane in self._all if lane not in resting]
            for lane in busy:
                lane.given_up.set()
            self._changed.notify_all()
        for lane in resting:
            lane.jobs.put(None)
        for lane in busy:
            self._cut(lane)
        end = time.monotonic() + seconds
        with self._changed:
            threads = [lane.thread for lane in (*resting, *busy) if lane.thread is not None]
            threads += self._cutting
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        return sum(thread.is_alive() for thread in threads)
