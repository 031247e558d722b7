"""A worker: threads that take up tasks of one or more cubes, one after the other, and a heart that keeps their leases.

What becomes of a task is written with the fence of whoever took it up. A worker that is killed loses its tasks when
their leases run out; one that was stopped for so long can report nothing any more, and a task is done again from where
its handler left it.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from treemem.caller import Caller
from treemem.context import Context
from treemem.errors import InvalidInputError, StoreError, TreememError
from treemem.forks import ForkLock
from treemem.models.llm import LLMUsage
from treemem.queued import DONE, FAILED, WAITING, QueuedTask, plain
from treemem.reorganize.turn import clock as machine_clock
from treemem.tasks import budget, faults
from treemem.tasks.handlers import HANDLERS, Handler
from treemem.tasks.metering import Meter
from treemem.tasks.task import Outcome
from treemem.zones import reading_in, zone_of

log = logging.getLogger("treemem.tasks")
#: Seconds for which a task is taken up, between renewals of that, and between looks where nothing is due.
LEASE, HEARTBEAT, LOOK = 30.0, 8.0, 0.5
#: Seconds between two looks for tasks of a cube that ended too long ago to be kept, and how many of them go at once.
_TIDY, _GO_AT_ONCE = 60.0, 1_000
#: How many due tasks of a cube are looked at for one that can be taken up.
_LOOKED_AT = 16


@dataclass(eq=False, slots=True)
class _Job:
    """A task that is being done: where, and whether it was lost to another worker or taken away."""

    ctx: Context
    task: QueuedTask
    lost: threading.Event = field(default_factory=threading.Event)


class Worker:
    """Does the tasks of `cubes`, or of every cube of the store, until it is told to stop. It runs once."""

    def __init__(
        self,
        ctx: Context,
        cubes: Sequence[str] | None,
        stop: threading.Event | None = None,
        handlers: Mapping[str, Handler] = HANDLERS,
    ) -> None:
        self._ctx, self._cubes, self._handlers = ctx, cubes, handlers
        self._kinds = sorted(kind for kind, each in handlers.items() if not each.needs_llm or ctx.llm is not None)
        self._holder = f"worker-{uuid.uuid4()}"
        self._given = stop
        self._stop, self._ended = threading.Event(), threading.Event()
        self._lock = ForkLock()
        self._jobs: list[_Job] = []
        self._served = ""
        self._tidied: dict[str, float] = {}
        self._count = 0
        self._fault: BaseException | None = None

    def run(self, threads: int = 1, *, once: bool = False) -> int:
        """Work in this thread and `threads - 1` others; return how many tasks were taken up.

        With `once` until nothing is due, else until it is told to stop. A store that cannot be reached is asked again
        later; with `once` that is raised.
        """
        heart = threading.Thread(target=self._beat, name="treemem-tasks-heart", daemon=True)
        others = [
            threading.Thread(target=self._loop, args=(once,), name=f"treemem-tasks-{n}", daemon=True)
            for n in range(1, threads)
        ]
        try:
            heart.start()
            for other in others:
                other.start()
            self._loop(once)
            for other in others:
                other.join()
        finally:
            self._stop.set()
            for other in others:
                if other.ident is not None:
                    other.join()
            self._ended.set()
            if heart.ident is not None:
                heart.join()
        if self._fault is not None:
            raise self._fault
        return self._count

    def tell(self) -> None:
        """Tell it to end: what it is at is finished, or given back. Does not wait for that."""
        self._stop.set()

    def end(self) -> None:
        """Tell it to end, and wait until it has, for half a minute at most."""
        self.tell()
        self._ended.wait(30.0)

    @property
    def _stopping(self) -> bool:
        return self._stop.is_set() or (self._given is not None and self._given.is_set())

    def _loop(self, once: bool) -> None:
        """Take up one task after the other; what is raised here ends all threads, and is raised by `run`."""
        try:
            while not self._stopping:
                job = self._next_if_any(once)
                if job is not None:
                    self._work(job)
                elif once:
                    return
                else:
                    self._pause()
        except BaseException as error:
            self._fault = self._fault or error
            self._stop.set()

    def _next_if_any(self, once: bool) -> _Job | None:
        try:
            return self._next()
        except Exception as error:  # whatever it is, the tasks wait, and the next look may find them
            if once:
                raise
            log.warning("no task could be taken up: %s: %s", type(error).__name__, error)
            return None

    def _pause(self) -> None:
        """Wait for a moment, or until it is told to end."""
        until = time.monotonic() + LOOK
        while not self._stopping and (left := until - time.monotonic()) > 0:
            self._stop.wait(min(left, 0.1) if self._given is not None else left)

    # ---- Taking up --------------------------------------------------------------------------------------------------

    def _next(self) -> _Job | None:
        """Take up the next task, of the cube after the one that was served last: a full queue holds up no other."""
        if self._cubes is None:
            cubes = self._ctx.store.cubes_due(self._ctx.now(), machine_clock())
        else:
            cubes = sorted(self._cubes)
        with self._lock:
            served = self._served
        for cube in [*(c for c in cubes if c > served), *(c for c in cubes if c <= served)]:
            job = self._claimed(self._ctx.of_cube(cube))
            if job is not None:
                with self._lock:
                    self._served = cube
                return job
        return None

    def _claimed(self, ctx: Context) -> _Job | None:
        """Take up a task of a cube; None where nothing can be done there now."""
        now, machine = ctx.now(), machine_clock()
        self._tidy(ctx, now)
        over: str | None = None
        for task in ctx.store.due_tasks(ctx.cube, self._kinds, now, machine, _LOOKED_AT):
            if not task.is_due(now if task.state == WAITING else machine):
                continue  # a server reads its index first and the task then: another worker was faster
            if task.attempts >= ctx.config.tasks.attempts:
                gone = task.taken_away(now, f"given up after {task.attempts} attempts: its worker ended each time")
                ctx.store.swap_task(ctx.cube, task, gone)
                continue
            if self._handlers[task.kind].asks_llm and ctx.llm is not None:
                over = budget.over_budget(ctx, now) if over is None else over
                if over:
                    ctx.store.swap_task(ctx.cube, task, task.put_off(now, budget.next_day(now), over))
                    continue
            # Of two threads that take it up at the same moment, each must know its own claim.
            holder = f"{self._holder}/{threading.get_ident()}"
            taken = task.claimed(holder, now, machine, int(LEASE * 1_000_000))
            job = _Job(replace(ctx, caller=Caller(task.user_id, task.session_id)), taken)
            with self._lock:
                self._jobs.append(job)
            try:
                swapped = ctx.store.swap_task(ctx.cube, task, taken)
            except BaseException:
                self._forget(job)
                raise
            if swapped:
                return job
            self._forget(job)
        return None

    def _tidy(self, ctx: Context, now: int) -> None:
        """Take tasks of a cube that ended too long ago out of the queue, now and then."""
        last = self._tidied.get(ctx.cube)
        if last is None or time.monotonic() - last > _TIDY:
            self._tidied[ctx.cube] = time.monotonic()
            ctx.store.forget_tasks(ctx.cube, now - ctx.config.tasks.keep_days * budget.DAY, _GO_AT_ONCE)

    def _forget(self, job: _Job) -> None:
        with self._lock:
            self._jobs.remove(job)

    # ---- Doing ------------------------------------------------------------------------------------------------------

    def _work(self, job: _Job) -> None:
        """Do a task and say what came of it."""
        with self._lock:
            self._count += 1
        meter = None if job.ctx.llm is None else Meter(job.ctx.llm)
        began = time.monotonic()
        counts: Mapping[str, Any] | None = None
        fault: Exception | None = None
        try:
            handler = self._handlers[job.task.kind]
            with reading_in(zone_of(job.ctx.config.zone)):
                counts = handler.run(
                    replace(job.ctx, llm=meter), plain(job.task.payload), lambda: self._stopping or job.lost.is_set()
                )
        except Exception as error:
            fault = error
        except BaseException:  # the program is told to end: the task is given back at once
            self._end(job, None, None, meter, began)
            raise
        self._end(job, counts, fault, meter, began)

    def _end(
        self,
        job: _Job,
        counts: Mapping[str, Any] | None,
        fault: Exception | None,
        meter: Meter | None,
        began: float,
    ) -> None:
        self._forget(job)
        usage = LLMUsage() if meter is None else meter.usage
        self._report(job, self._after(job, counts, fault, usage, time.monotonic() - began), usage)

    def _after(
        self,
        job: _Job,
        counts: Mapping[str, Any] | None,
        fault: Exception | None,
        usage: LLMUsage,
        seconds: float,
    ) -> QueuedTask:
        """Return a task as it stands after an attempt."""
        task, now = job.task, job.ctx.now()
        outcome = Outcome.of(task.result)
        if fault is None and counts is not None:
            try:
                return task.ended(DONE, now, result=outcome.plus(usage, seconds, counts).text())
            except InvalidInputError as error:  # a handler of ours said something that the queue does not keep
                fault = error
        so_far = outcome.plus(usage, seconds).text()
        if fault is None:
            return task.postponed(now, now, "given back by a worker that ended", so_far, counted=False)
        log.warning("task %s (%s) of cube %s: %s", task.id, task.kind, job.ctx.cube, faults.told(fault))
        log.info("task %s: %s", task.id, fault)
        log.debug("task %s", task.id, exc_info=fault)
        reason = faults.told(fault)
        if not faults.passes(fault):
            return task.ended(FAILED, now, reason, so_far)
        if task.attempts >= job.ctx.config.tasks.attempts:
            return task.ended(FAILED, now, f"given up after {task.attempts} attempts: {reason}", so_far)
        return task.postponed(now, now + faults.pause(task.attempts), reason, so_far)

    def _report(self, job: _Job, after: QueuedTask, usage: LLMUsage) -> None:
        """Write what became of a task. Where that cannot be written its lease runs out, and it is done again."""
        ctx = job.ctx
        try:
            if not ctx.store.swap_task(ctx.cube, job.task, after, budget.spent_by(usage, ctx.now())):
                log.warning("task %s of cube %s passed to another worker, or was cancelled", after.id, ctx.cube)
        except TreememError as error:
            log.warning("task %s of cube %s: its end could not be written: %s", after.id, ctx.cube, error)

    # ---- Keeping ----------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        """Renew the leases of all that is being done."""
        while not self._ended.wait(HEARTBEAT):
            with self._lock:
                jobs = list(self._jobs)
            for job in jobs:
                renewed = job.task.renewed(machine_clock(), int(LEASE * 1_000_000))
                try:
                    if not job.ctx.store.swap_task(job.ctx.cube, job.task, renewed):
                        job.lost.set()
                except StoreError as error:  # the next beat, or the report, will tell
                    log.warning("task %s: its lease was not renewed: %s", job.task.id, error)
