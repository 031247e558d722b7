"""Writers that come at the same time share one transaction.

Who finds nobody writing writes at once, alone: nobody waits for company. Who comes meanwhile waits, and when that
transaction has ended, the first of those who wait writes for all of them. Each hears of its own write alone, and only
after the commit; where a transaction of several fails, each of them writes again by itself.

Those who were written for come again at the same time, a moment after the next one has begun without them: every second
transaction would be for one alone. So who leads waits a moment for as many as there were the last time, for a quarter
of what that transaction took and for some milliseconds at most. A caller that has no company waits for nobody.

Who has waited so long for its turn that little of its time is left writes for itself alone: those who came later must
not fail with it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, NamedTuple, TypeVar

from treemem.errors import StoreUnavailableError
from treemem.forks import renew_in_children

T = TypeVar("T")
R = TypeVar("R")
#: How long who leads waits for company, as a share of what the last transaction took.
PATIENCE = 0.25
#: For how many seconds at most: a transaction that waited for a lock took long, and says nothing of the next one.
MOMENT = 0.02
#: What share of its time a caller must have left to write for others, and what it has at least to write itself.
ENOUGH, LAST = 0.25, 0.1
#: For how many keys it is known how many callers there were.
_KEPT = 1_000


class _Pace(NamedTuple):
    """How many took part in the last transaction or waited at its end, and until when it is worth to wait for them."""

    callers: int
    until: float


class _Call(Generic[T, R]):
    """One caller with what it wants to write, which has to be done at `end`."""

    __slots__ = ("end", "group", "leads", "outcome", "took", "turn", "what")

    def __init__(self, what: T, end: float) -> None:
        self.what = what
        self.end = end
        #: Whom it writes for, once it leads, and how many seconds that took; None where it failed.
        self.group = [self]
        self.took: float | None = None
        #: What came of it; None where it has to be written alone.
        self.outcome: R | Exception | None = None
        #: Whether it is to write for those who wait.
        self.leads = False
        #: Held until there is an outcome, or it leads.
        self.turn = threading.Lock()
        self.turn.acquire()


class Together(Generic[T, R]):
    """Calls of several threads become transactions, one at a time for each key.

    `write` writes several in one transaction, in their order and within so many seconds, and returns for each its
    result, its own error, or None if it has to be written `alone`. If it raises for several, each of them is written
    alone, or is told so where the store is not to be had. Whoever waited `seconds` in vain writes alone, too: a write
    must be known again if it was done already. `size` says how much a write is; together they are at most `most`.
    """

    def __init__(
        self,
        write: Callable[[Sequence[T], float], Sequence[R | Exception | None]],
        alone: Callable[[T], R],
        size: Callable[[T], int],
        most: int,
        seconds: float,
    ) -> None:
        self._write, self.alone, self._size = write, alone, size
        self._most, self._seconds = most, seconds
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        """Begin anew without anybody who writes or waits, in a forked child or at first."""
        self._lock = threading.Lock()
        #: Those who wait for each key, in order; for a key that is not there nobody writes.
        self._waiting: dict[Hashable, list[_Call[T, R]]] = {}
        #: Who waits for company, and how many that are.
        self._gathering: dict[Hashable, tuple[_Call[T, R], int]] = {}
        self._paces: dict[Hashable, _Pace] = {}

    def __call__(self, key: Hashable, what: T) -> R:
        """Write `what`, with whatever else is to be written for this key; return its result or raise its error."""
        mine: _Call[T, R] = _Call(what, time.monotonic() + self._seconds)
        try:
            with self._lock:
                mine.leads = key not in self._waiting
                if mine.leads:
                    self._waiting[key] = []
                else:
                    self._waiting[key].append(mine)
                    self._tell(key)
            if not mine.leads:
                self._wait(key, mine)
            if mine.leads:
                self._lead(key, mine)
        finally:
            if mine.leads:
                self._pass_on(key, mine)
        if isinstance(mine.outcome, Exception):
            raise mine.outcome
        return self.alone(what) if mine.outcome is None else mine.outcome

    def _wait(self, key: Hashable, mine: _Call[T, R]) -> None:
        """Wait until it was written for, or leads. Who waited too long leads: the one who did so is lost."""
        try:
            if mine.turn.acquire(timeout=self._seconds):
                return
        except BaseException:
            self._take_back(key, mine)
            raise
        if self._take_back(key, mine):
            mine.leads = True

    def _take_back(self, key: Hashable, mine: _Call[T, R]) -> bool:
        """Let a call wait no more; return whether nobody had begun to write it."""
        with self._lock:
            waiting = self._waiting.get(key, [])
            if mine not in waiting:
                return False
            waiting.remove(mine)
            return True

    def _lead(self, key: Hashable, mine: _Call[T, R]) -> None:
        """Write for all who wait, or, with little time left, for itself."""
        if mine.end - time.monotonic() >= ENOUGH * self._seconds:
            self._gather(key, mine)
            with self._lock:
                waiting = self._waiting.setdefault(key, [])
                room = self._most - self._size(mine.what)
                while waiting and (size := self._size(waiting[0].what)) <= room:
                    room -= size
                    mine.group.append(waiting.pop(0))
        began = time.monotonic()
        left = max(mine.end - began, LAST * self._seconds)
        try:
            outcomes = self._write([call.what for call in mine.group], left)
        except StoreUnavailableError as error:
            if len(mine.group) == 1:
                raise
            for call in mine.group:  # each by itself would wait as long once more
                call.outcome = type(error)(str(error)).with_traceback(error.__traceback__)
        except Exception:
            if len(mine.group) == 1:
                raise
        else:
            for call, outcome in zip(mine.group, outcomes, strict=True):
                call.outcome = outcome
            mine.took = time.monotonic() - began

    def _gather(self, key: Hashable, mine: _Call[T, R]) -> None:
        """Wait a moment for those who took part in the last transaction."""
        with self._lock:
            pace = self._paces.get(key)
            if pace is None or len(self._waiting.get(key, ())) + 1 >= pace.callers:
                return
            left = pace.until - time.monotonic()
            if left <= 0:
                return
            self._gathering[key] = mine, pace.callers
        try:
            mine.turn.acquire(timeout=left)
        finally:
            with self._lock:
                self._gathering.pop(key, None)

    def _tell(self, key: Hashable) -> None:
        """Tell who waits for company that all are there; the lock is held."""
        leader, callers = self._gathering.get(key, (None, 0))
        if leader is not None and len(self._waiting[key]) + 1 >= callers:
            del self._gathering[key]
            leader.turn.release()

    def _pass_on(self, key: Hashable, leader: _Call[T, R]) -> None:
        """Wake those who were written for, and the next one, who leads."""
        with self._lock:
            waiting = self._waiting.get(key)
            self._note(key, len(leader.group) + len(waiting or ()), leader.took)
            following = waiting.pop(0) if waiting else None
            if following is not None:
                following.leads = True
            else:
                self._waiting.pop(key, None)
        if following is not None:
            following.turn.release()
        for call in leader.group[1:]:
            call.turn.release()

    def _note(self, key: Hashable, callers: int, took: float | None) -> None:
        if callers == 1 or took is None:
            self._paces.pop(key, None)
            return
        if len(self._paces) >= _KEPT:
            self._paces.clear()
        self._paces[key] = _Pace(callers, time.monotonic() + min(PATIENCE * took, MOMENT))
