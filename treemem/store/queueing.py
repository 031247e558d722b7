"""What both stores say and check of tasks in the same words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from treemem.errors import InvalidInputError, OperationMismatchError, QueueFullError
from treemem.queued import QueuedTask, Spent


def new_tasks(cube: str, tasks: Sequence[QueuedTask], there: Mapping[str, QueuedTask]) -> list[QueuedTask]:
    """Return the tasks that are not there yet, each once.

    Raises OperationMismatchError if an id is that of a task which asks for something else.
    """
    wanted: dict[str, QueuedTask] = {}
    for task in tasks:
        earlier = there.get(task.id) or wanted.get(task.id)
        if earlier is None:
            wanted[task.id] = task
        elif earlier.request != task.request:
            raise OperationMismatchError(
                f"task {task.id!r} of cube {cube!r} was enqueued before, for something else; repeat a call with its "
                "own operation id, or choose a new one"
            )
    return list(wanted.values())


def refuse_full(cube: str, waiting: int, more: int, most: int) -> None:
    """Raise QueueFullError if more tasks would wait than may."""
    if waiting + more > most:
        raise QueueFullError(
            f"cube {cube!r}: {waiting} tasks wait, and at most {most} may; nothing was written. Start a worker "
            "(treemem work), try again later, or raise the setting tasks.waiting"
        )


def no_cube(cube: str) -> InvalidInputError:
    """Return the error for a task about a cube to which nothing was ever written."""
    return InvalidInputError(f"cube {cube!r} holds nothing that a task could be about; add memories first")


def became(now: QueuedTask | None, before: QueuedTask, after: QueuedTask) -> tuple[bool, bool]:
    """Return what a swap comes to: whether the task is as it should become, and whether it must be written for that.

    `now` is the task as the store has it, None if it is gone.
    """
    if now == after:
        return True, False
    swaps = now is not None and now.may_become(before, after)
    return swaps, swaps


def sum_of(spent: Spent, earlier: Spent | None) -> Spent:
    """Return what a cube spent with what one task spent now."""
    return spent if earlier is None else earlier.plus(spent)
