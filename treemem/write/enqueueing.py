"""What is to be done later: tasks of a change set, which are in the queue if it is written, and tasks of their own."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from treemem.changes import ChangeSet
from treemem.context import Context
from treemem.ids import checked_id, derived_id
from treemem.queued import MAX_PAYLOAD, QueuedTask, checked_kind, ids_alone, owner_of


def task_of(
    ctx: Context, operation: str, kind: str, payload: Mapping[str, Any], *, number: int = 0, now: int | None = None
) -> QueuedTask:
    """Return a task of an operation, for whoever `ctx` is: the same operation, kind and number make the same task.

    The payload holds ids, numbers and flags alone. Raises InvalidInputError.
    """
    user_id, session_id = ctx.caller.user_id, ctx.caller.session_id
    made = ctx.now() if now is None else now
    return QueuedTask(
        id=derived_id("task", owner_of(user_id, session_id), operation, kind, number),
        kind=checked_kind(kind),
        payload=ids_alone(payload, "payload", MAX_PAYLOAD),
        created=made,
        user_id=user_id,
        session_id=session_id,
        due=made,
        since=made,
    )


def with_tasks(ctx: Context, changes: ChangeSet, tasks: Iterable[QueuedTask]) -> ChangeSet:
    """Return a change set with tasks: they are committed with it, or not at all."""
    return replace(changes, tasks=(*changes.tasks, *tasks), most_waiting=ctx.config.tasks.waiting)


def enqueue(ctx: Context, kind: str, payload: Mapping[str, Any], operation_id: str | None) -> QueuedTask:
    """Add a task of its own, and return it as it is: with an `operation_id`, one that may be there already."""
    operation = str(uuid.uuid4()) if operation_id is None else checked_id(operation_id, "operation_id")
    task = task_of(ctx, operation, kind, payload)
    ctx.store.enqueue(ctx.cube, [task], ctx.config.tasks.waiting)
    return next(iter(ctx.store.tasks(ctx.cube, [task.id])), task)
