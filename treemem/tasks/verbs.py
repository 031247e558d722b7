"""The tasks of a memory: what is done later, how it stands, and the workers of this process."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from treemem.checks import among, whole, within
from treemem.context import Context
from treemem.errors import InvalidInputError, TaskNotFoundError
from treemem.ids import checked_id
from treemem.queued import DONE, ENDED, RUNNING, STATES, QueuedTask, checked_kind, owner_of
from treemem.signatures import checked_verbs
from treemem.tasks.handlers import handler_of
from treemem.tasks.task import Task
from treemem.tasks.worker import Worker
from treemem.write.enqueueing import enqueue

log = logging.getLogger("treemem.tasks")
#: Seconds between two looks at a task that is waited for: at first, and at most.
_LOOK, _LONGEST_LOOK = 0.02, 0.5
_MOST_THREADS, _MOST_LISTED = 64, 10_000


@checked_verbs
class Tasks:
    """What is done later in one cube, by a worker of any process: `treemem work`, or `start` in this one.

    A caller sees, and waits on, its own tasks alone, and a task is done with the rights of whoever made it.
    """

    def __init__(self, context: Context) -> None:
        """Use `memory.tasks`."""
        self._ctx = context
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None

    @property
    def zone(self) -> str | None:
        """The zone of the memory, in which times without one are read."""
        return self._ctx.config.zone

    def add(
        self,
        kind: str,
        payload: Mapping[str, Any] | None = None,
        *,
        operation_id: str | None = None,
    ) -> Task:
        """Put a task into the queue and return it.

        Kinds are "reorganize" (as `reorganizer.run`; its `payload` may have `everything` and `group`), "reindex" and
        "read" (the memories of `ids`). A payload holds ids, numbers and flags, no texts. With an `operation_id`, the
        same call again is the same task.
        Raises InvalidInputError, QueueFullError, OperationMismatchError, StoreError.
        """
        given = {} if payload is None else payload
        handler_of(checked_kind(kind)).check(kind, given)
        return Task.of(enqueue(self._ctx, kind, given, operation_id))

    def get(self, task_id: str) -> Task:
        """Return a task as it stands. Raises TaskNotFoundError."""
        return Task.of(self._found(task_id))

    def list(self, *, status: str | Iterable[str] | None = None, limit: int | None = 100) -> list[Task]:
        """Return the tasks, the one that was made last first: those of a `status` (waiting, running, done, failed), or
        of several, or all; at most `limit` of them, or 10,000.
        """
        most = _MOST_LISTED if limit is None else int(within("limit", whole("limit", limit), 0, _MOST_LISTED))
        states = list(STATES) if status is None else list(dict.fromkeys(among("status", status, STATES)))
        owner = owner_of(self._ctx.caller.user_id, self._ctx.caller.session_id) or None
        found = [task for state in states for task in self._ctx.store.listed_tasks(self._ctx.cube, state, owner, most)]
        once = {task.id: task for task in found}  # one may have moved on between two looks
        return [Task.of(t) for t in sorted(once.values(), key=lambda t: (t.created, t.id), reverse=True)[:most]]

    def wait(self, task_id: str, timeout: float = 60.0) -> Task:
        """Return a task as soon as it is done or failed, or as it stands after `timeout` seconds.

        Waiting does no work: a worker has to run, in this process or another. Raises TaskNotFoundError.
        """
        within("timeout", timeout, 0, 1_000_000)
        deadline, pause = time.monotonic() + timeout, _LOOK
        while (task := self._found(task_id)).state not in ENDED and time.monotonic() < deadline:
            time.sleep(min(pause, max(0.0, deadline - time.monotonic())))
            pause = min(2 * pause, _LONGEST_LOOK)
        return Task.of(task)

    def cancel(self, task_id: str) -> Task:
        """End a task as failed, "cancelled", and return it; one that ended before is returned as it is.

        One that is running ends where its handler next asks; what it did so far is done, and can be undone. Raises
        TaskNotFoundError.
        """

        def cancelled(task: QueuedTask) -> QueuedTask:
            return task if task.state in ENDED else task.taken_away(self._ctx.now(), "cancelled")

        return self._moved(task_id, cancelled)

    def retry(self, task_id: str) -> Task:
        """Let a task that failed, or waits for a later time, be tried from now on, as if it were new; return it.

        Raises TaskNotFoundError, InvalidInputError for one that is running or done.
        """

        def anew(task: QueuedTask) -> QueuedTask:
            if task.state in (DONE, RUNNING):
                what = "is done; add() makes another one" if task.state == DONE else "is running; wait for it"
                raise InvalidInputError(f"task {task.id!r} {what}")
            return task.begun_anew(self._ctx.now())

        return self._moved(task_id, anew)

    def work(
        self,
        *,
        threads: int = 1,
        once: bool = False,
        stop: threading.Event | None = None,
        cubes: str | Iterable[str] | None = None,
        every_cube: bool = False,
    ) -> int:
        """Do tasks in this thread and `threads` - 1 others; return how many were taken up.

        With `once` until nothing is due, else until `stop` is set or the memory is closed: what is at work then is
        finished, or given back. They are those of this memory's cube, of `cubes`, or of `every_cube` of the store; the
        cubes take turns. Raises NotAllowedError for a caller, InvalidInputError where the memory is walled, StoreError.
        """
        worker = self._made(threads, stop, cubes, every_cube)
        self._ctx.workers.add(worker.end)
        try:
            return worker.run(threads, once=once)
        finally:
            self._ctx.workers.discard(worker.end)

    def start(
        self,
        *,
        threads: int = 1,
        cubes: str | Iterable[str] | None = None,
        every_cube: bool = False,
    ) -> None:
        """Do tasks in the background, as `work` does, until `stop` or the memory is closed. Starting twice is once."""
        worker = self._made(threads, None, cubes, every_cube)
        if self._thread is not None and self._thread.is_alive():
            return
        self._ctx.workers.add(self.stop)
        self._worker = worker
        self._thread = threading.Thread(target=_background, args=(worker, threads), name="treemem-tasks", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 30.0) -> bool:
        """End the background workers after what they are at; return whether they ended within `timeout` seconds."""
        within("timeout", timeout, 0, 1_000_000)
        if self._thread is None or self._worker is None:
            return True
        self._worker.tell()
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _made(
        self, threads: int, stop: threading.Event | None, cubes: str | Iterable[str] | None, every_cube: bool
    ) -> Worker:
        self._ctx.caller.require_whole_cube("tasks.work")
        within("threads", whole("threads", threads), 1, _MOST_THREADS)
        if every_cube:
            if cubes is not None:
                raise InvalidInputError("cubes: every_cube is all of them; leave one of the two out")
            if self._ctx.walled:
                raise InvalidInputError(
                    f"every_cube: this view of cube {self._ctx.cube!r} reaches no other; ask whoever opened it"
                )
            return Worker(self._ctx, None, stop)
        named = [self._ctx.cube] if cubes is None else [cubes] if isinstance(cubes, str) else [*cubes]
        return Worker(self._ctx, self._ctx.reachable(named), stop)

    def _found(self, task_id: str) -> QueuedTask:
        """Return a task that this caller may see."""
        found = self._ctx.store.tasks(self._ctx.cube, [checked_id(task_id, "task_id")])
        owner = owner_of(self._ctx.caller.user_id, self._ctx.caller.session_id)
        if not found or (self._ctx.caller and found[0].owner != owner):
            raise TaskNotFoundError(f"no task {task_id!r} in cube {self._ctx.cube!r}; list() names those there are")
        return found[0]

    def _moved(self, task_id: str, move: Callable[[QueuedTask], QueuedTask]) -> Task:
        """Return a task after a move, which is made again where a worker was faster."""
        while True:
            before = self._found(task_id)
            after = move(before)
            if after is before or self._ctx.store.swap_task(self._ctx.cube, before, after):
                return Task.of(after)


def _background(worker: Worker, threads: int) -> None:
    """Run a worker; one that dies without a word would be worse than one that dies."""
    try:
        worker.run(threads)
    except Exception:
        log.exception("the workers of this process ended")
