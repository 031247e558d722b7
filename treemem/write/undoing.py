"""undo: an operation that takes another one back."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from treemem import planning
from treemem.changes import ChangeSet, Receipt
from treemem.context import Context
from treemem.errors import InvalidInputError, OperationNotFoundError, UndoRefusedError
from treemem.read.states import last_versions, touched_by
from treemem.write.committing import commit, commit_parts, new_change
from treemem.write.derived import let_derived_follow, let_readings_follow
from treemem.write.intent import Intent


def undo(ctx: Context, operation: str, intent: Intent) -> Receipt:
    """See `TreeTextMemory.undo`."""
    found = ctx.store.operations(ctx.cube, ids=[operation])
    if not found or (ctx.caller and not _sees_operation(ctx, operation)):
        raise OperationNotFoundError(f"no operation {operation!r} in cube {ctx.cube!r}; operations() lists them")
    if found[0].kind == "purge":
        raise InvalidInputError(f"operation {operation!r} erased memories; a purge cannot be undone")
    base = replace(new_change(ctx, "undo", intent, request=["undo", operation]), undoes=operation)
    parts = ctx.store.operations(ctx.cube, part_of=operation, limit=1_000_000)
    if not parts:
        done = commit(ctx, base, partial(_plan_undo, ctx, operation=operation), repeatable=intent.repeatable)
    else:
        parts = sorted(parts, key=lambda p: -int(p.id.rpartition("/")[2]))
        plans = [partial(_plan_undo, ctx, operation=part.id) for part in parts]
        done = commit_parts(ctx, base, plans, repeatable=intent.repeatable)
    undone = [] if done.repeated else [part.id for part in parts] or [operation]
    for name in undone:
        touched = ctx.store.touched(ctx.cube, name)
        opened = {s.memory_id for s in touched.states_opened}
        let_derived_follow(ctx, base, done, sorted(opened))
        let_readings_follow(ctx, base, done, sorted({s.memory_id for s in touched.states_closed} - opened))
    return done


def _plan_undo(ctx: Context, base: ChangeSet, operation: str) -> ChangeSet:
    touched = touched_by(ctx, operation, to_change=True)
    ids = {s.memory_id for s in (*touched.states_opened, *touched.states_closed)}
    try:
        return planning.undo(base, operation, touched, last_versions(ctx, sorted(ids)))
    except UndoRefusedError as refusal:
        raise _shown_refusal(ctx, operation, refusal) from None


def _shown_refusal(ctx: Context, operation: str, refusal: UndoRefusedError) -> UndoRefusedError:
    """Return a refusal that names no operation which the caller may not see."""
    if not ctx.caller or all(map(partial(_sees_operation, ctx), refusal.operations)):
        return refusal
    shown = [name for name in refusal.operations if _sees_operation(ctx, name)]
    return UndoRefusedError(
        f"operation {operation!r} cannot be undone: operations stand on it, some of them somebody else's",
        shown,
    )


def _sees_operation(ctx: Context, operation: str) -> bool:
    try:
        touched_by(ctx, operation)
    except OperationNotFoundError:
        return False
    return True
