"""The task protocol: what a queue of tasks needs of a store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from treemem.queued import QueuedTask, Spent


class TaskStore(Protocol):
    """The tasks of cubes, beside what is remembered. A change set may carry tasks, too: see `WriteStore.apply`."""

    def enqueue(self, cube: str, tasks: Sequence[QueuedTask], most_waiting: int) -> None:
        """Add tasks, all or none; those that are there already stay as they are.

        Raises QueueFullError if more than `most_waiting` would wait, OperationMismatchError for an id that is another
        task's, InvalidInputError if there is no such cube.
        """
        ...

    def tasks(self, cube: str, ids: Sequence[str]) -> list[QueuedTask]:
        """Return the tasks with these ids that exist, in the order of `ids`."""
        ...

    def listed_tasks(self, cube: str, state: str, owner: str | None, limit: int) -> list[QueuedTask]:
        """Return the tasks of a state, the one that was made last first; only an owner's if one is named."""
        ...

    def due_tasks(self, cube: str, kinds: Sequence[str], now: int, machine: int, limit: int) -> list[QueuedTask]:
        """Return tasks of these kinds that a worker may take up: `QueuedTask.is_due` at `now`, those whose lease ended
        at `machine`. Of each sort, the `limit` that are due for longest come, in the order in which they are due.

        One that another worker takes up at that moment may come as it is then: ask `is_due` of it again.
        """
        ...

    def cubes_due(self, now: int, machine: int) -> list[str]:
        """Return the cubes that have a task which a worker may take up, of whatever kind, by id."""
        ...

    def swap_task(self, cube: str, before: QueuedTask, after: QueuedTask, spent: Spent | None = None) -> bool:
        """Put a task as it becomes in the place of the task as it was, if it `may_become` that.

        Return whether it was; repeating a swap that was done is one that is. What was `spent` is added to what the cube
        spent on that day, whether the task is still held or not, but not again by a repeated swap.
        """
        ...

    def forget_tasks(self, cube: str, before: int, limit: int) -> int:
        """Take tasks that were done, or failed, before a time out of the queue; at most `limit` of each. Return how
        many.
        """
        ...

    def spent(self, cube: str) -> Spent | None:
        """Return what the tasks of a cube spent on the last day on which they did; None if they never did."""
        ...
