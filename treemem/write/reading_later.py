"""What is added is read later: tasks of the kind "read", which a worker does."""

from __future__ import annotations

from collections.abc import Sequence

from treemem.changes import ChangeSet
from treemem.context import Context
from treemem.write.enqueueing import task_of, with_tasks
from treemem.write.reading_sources import READ

#: How many memories one task names: so many of the longest ids fit.
A_TASK = 50


class QueuedReading:
    """Puts tasks into the change sets of an addition, so that what is added and the tasks are written together."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._ids: dict[str, None] = {}

    @property
    def task_ids(self) -> tuple[str, ...]:
        """The ids of the tasks, in the order in which they are done."""
        return tuple(self._ids)

    def __call__(self, part: ChangeSet) -> ChangeSet:
        """Return a change set with the tasks by which the memories that it adds are read."""
        added = list(dict.fromkeys(s.memory_id for s in part.states if s.content is not None and not s.planned))
        tasks = [
            task_of(self._ctx, part.operation, READ, {"ids": some}, number=number, now=part.now)
            for number, some in enumerate(_batches(added))
        ]
        self._ids |= dict.fromkeys(task.id for task in tasks)
        return with_tasks(self._ctx, part, tasks)


def _batches(ids: Sequence[str]) -> list[list[str]]:
    return [list(ids[start : start + A_TASK]) for start in range(0, len(ids), A_TASK)]
