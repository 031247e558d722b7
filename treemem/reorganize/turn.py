"""Turns: one worker at a time reorganizes a cube, and the store says who and what waits."""

from __future__ import annotations

import logging
import threading
import time
from datetime import datetime
from types import TracebackType
from typing import Literal

from pydantic import BaseModel, ConfigDict

from treemem.changes import RUN, RUN_FAILED
from treemem.errors import LeaseError, StoreError
from treemem.reorganize.candidates import OWN, operations, watermark
from treemem.store.protocol import GraphStore, Lease, LeaseStore, ReadStore
from treemem.store.shared import lease_holds
from treemem.temporal import from_micros, system_clock, to_micros

log = logging.getLogger("treemem.reorganizer")
#: Seconds for which a lease is taken, between its renewals, and between looks at one that another worker has.
LEASE, HEARTBEAT, LOOK = 15.0, 5.0, 0.2


class Status(BaseModel):
    """How reorganizing a cube stands, whichever process does it.

    `state` is `running` while a worker has its turn; `failed` if the last run ended with an error, `reason`; `pending`
    if operations wait that no run has looked at, `waiting` of them (at most 1,000 are counted); else `done`. `last_run`
    is when a run last ended well.
    """

    model_config = ConfigDict(frozen=True)

    state: Literal["pending", "running", "done", "failed"]
    waiting: int
    worker: str | None = None
    last_run: datetime | None = None
    reason: str = ""


class Turn:
    """A worker's turn at a cube: a lease that is renewed every five seconds and given back at the end.

    A worker that is killed loses it after fifteen; one that lost it otherwise can write nothing more, since each change
    is applied with the lease. Waits at most `wait` seconds for another's turn to end, then raises LeaseError.
    """

    def __init__(self, store: LeaseStore, cube: str, holder: str, wait: float = 0.0) -> None:
        self._store, self._cube, self._holder, self._wait = store, cube, holder, wait
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None

    def __enter__(self) -> Lease:
        lease = self._taken()
        self._heart = threading.Thread(target=self._beat, name="treemem-lease", daemon=True)
        self._heart.start()
        self._lease = lease
        return lease

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._ended.set()
        if self._heart is not None:
            self._heart.join()
        try:
            self._store.release(self._lease)
        except StoreError as error:  # it runs out by itself
            log.warning("reorganizing %s: the lease could not be given back: %s", self._cube, error)

    def _asked(self) -> Lease | None:
        """Take or renew the lease; None while another worker has it."""
        return self._store.lease(self._cube, self._holder, clock(), int(LEASE * 1_000_000))

    def _taken(self) -> Lease:
        deadline = time.monotonic() + self._wait
        while True:
            lease = self._asked()
            if lease is not None:
                return lease
            if time.monotonic() >= deadline:
                raise LeaseError(
                    f"cube {self._cube!r}: another worker reorganizes it; wait=... waits for its turn to end, "
                    f"a worker that was killed loses it after {LEASE:.0f} seconds"
                )
            time.sleep(LOOK)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT):
            try:
                if self._asked() is None:
                    log.warning("reorganizing %s: the lease was lost to another worker", self._cube)
                    return
            except StoreError as error:  # the next beat, or the next change, will tell
                log.warning("reorganizing %s: the lease was not renewed: %s", self._cube, error)


def waiting(store: ReadStore, cube: str, most: int = 1_000) -> int:
    """Return how many operations no run has looked at yet: this is the queue, and it is as durable as they are."""
    since = watermark(store, cube)
    count = 0
    for operation in operations(store, cube, since, parts=True):
        count += operation.kind not in OWN
        if count >= most:
            break
    return count


def clock() -> int:
    """Return the time by which leases run out, in microseconds: that of the machine, whatever clock a memory has."""
    return to_micros(system_clock())


def status(store: GraphStore, cube: str) -> Status:
    """Return how reorganizing a cube stands."""
    lease = store.current_lease(cube)
    running = lease is not None and lease_holds(lease.expires, clock(), int(LEASE * 1_000_000))
    runs = (o for o in operations(store, cube) if o.kind in (RUN, RUN_FAILED))
    last = next(runs, None)
    failed = last is not None and last.kind == RUN_FAILED
    good = next((o for o in runs if o.kind == RUN), None) if failed else last
    left = waiting(store, cube)
    return Status(
        state="running" if running else "failed" if failed else "pending" if left else "done",
        waiting=left,
        worker=lease.holder if lease is not None and running else None,
        last_run=None if good is None else from_micros(good.recorded_at),
        reason=(last.reason or "") if last is not None and failed else "",
    )
