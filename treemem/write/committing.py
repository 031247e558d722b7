"""How a plan becomes a change: planned from what is read, committed, planned again when that changed meanwhile."""

from __future__ import annotations

import functools
import random
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from typing import Any, TypeVar

from treemem.canonical import request_json
from treemem.changes import ChangeSet, Part, Receipt
from treemem.context import Context
from treemem.errors import ConflictError, InvalidChangeError, OperationMismatchError, TreememError
from treemem.ids import checked_id
from treemem.read.states import seen_history
from treemem.storable import checked_text
from treemem.store.shared import operation_mismatch, receipt_of
from treemem.write.intent import Intent

R = TypeVar("R")
ATTEMPTS = 64
#: How many memories one part of a large change takes.
CHUNK = 100


def new_change(ctx: Context, kind: str, intent: Intent, request: Any = None) -> ChangeSet:
    """Return an empty change set that says who, when and why.

    A verb that plans from what it reads gives its arguments as `request`: they, not the plan, are what has to be
    equal when the same operation id comes again.
    """
    operation = str(uuid.uuid4()) if intent.operation_id is None else checked_id(intent.operation_id, "operation_id")
    for name, text in (("actor", intent.actor), ("reason", intent.reason)):
        if text is not None:
            checked_text(text, name)
    return ChangeSet(
        cube=ctx.cube,
        operation=operation,
        kind=kind,
        now=ctx.now(),
        actor=intent.actor or ctx.config.actor,
        reason=intent.reason,
        model=ctx.model,
        request=None if request is None else request_json(request),
    )


def commit(ctx: Context, base: ChangeSet, plan: Callable[[ChangeSet], ChangeSet], *, repeatable: bool) -> Receipt:
    """Apply what `plan` makes of `base`; plan again, a bounded number of times, when the memory changed meanwhile.

    What is planned again is made then, not when it was first asked for: it stands on what was written in between.
    Those who plan again take turns, so that none of them is overtaken for ever. A `repeatable` operation (its id was
    given by the caller) that was done before is not planned again: its receipt is returned.
    """
    done = done_before(ctx, base) if repeatable else None
    if done is not None:
        return done

    def write(base: ChangeSet) -> Receipt:
        try:
            return ctx.store.apply(settled(ctx, functools.partial(plan, base)))
        except InvalidChangeError as refusal:
            raise discreet(ctx, refusal) from None

    return planned_again(ctx, base, write)


def planned_again(ctx: Context, base: ChangeSet, write: Callable[[ChangeSet], R]) -> R:
    """Return what `write` does with `base`; let it do so again, a bounded number of times, while the memory changes."""
    for attempt in range(ATTEMPTS):
        if attempt:
            base = replace(base, now=max(base.now, ctx.now()))
        try:
            with ctx.workers.turn if attempt else nullcontext():
                return write(base)
        except ConflictError:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(random.uniform(0, 0.002 * min(attempt + 1, 20)))
    raise AssertionError("unreachable")


def discreet(ctx: Context, refusal: InvalidChangeError) -> InvalidChangeError:
    """Return a refusal that names no memory which the caller may not see."""
    named = sorted(set(refusal.memories))
    if not ctx.caller or {s.memory_id for s in seen_history(ctx, named)} == set(named):
        return refusal
    return InvalidChangeError(
        "the change breaks a rule of the graph (one parent at a time, no memory its own ancestor) together with "
        "memories that are not this caller's to see"
    )


def settled(ctx: Context, plan: Callable[[], ChangeSet]) -> ChangeSet:
    """Return the plan; let it refuse only if nothing was committed to the cube while it read.

    Beside a writer, a plan may see a memory between two states: read by two statements, or by one that reads row
    by row while the commit goes on.
    """
    try:
        return plan()
    except TreememError as first:
        refusal = first
    for _ in range(ATTEMPTS):
        before = ctx.store.settled(ctx.cube)
        try:
            return plan()
        except TreememError as again:
            refusal = again
        if ctx.store.settled(ctx.cube) == before:
            break
    raise refusal


def commit_parts(
    ctx: Context, base: ChangeSet, plans: Sequence[Callable[[ChangeSet], ChangeSet]], *, repeatable: bool
) -> Receipt:
    """Commit one part below the operation `base` for each plan, in order, and return their receipts summed."""
    receipts = []
    for index, plan in enumerate(plans):
        part = Part(base.operation, index, last=index == len(plans) - 1)
        one = replace(base, operation=f"{base.operation}/{index}", part=part)
        receipts.append(commit(ctx, one, plan, repeatable=repeatable))
    return replace(functools.reduce(Receipt.plus, receipts), operation=base.operation)


def done_before(ctx: Context, base: ChangeSet) -> Receipt | None:
    """Return the receipt of an operation that was done before, None if it was not.

    Raises OperationMismatchError if its id was used for something else.
    """
    found = ctx.store.operations(ctx.cube, ids=[base.operation], limit=1)
    if not found:
        return None
    if base.request is None:
        return None  # the store compares what is asked for
    if found[0].payload_hash != base.payload_hash():
        raise OperationMismatchError(operation_mismatch(base))
    if found[0].status != "done":
        return None
    ctx.store.settled(ctx.cube)  # whoever did it may have died before readers could see it
    return receipt_of(found[0])
