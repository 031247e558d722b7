"""purge: erasing memories for good, with all that holds their words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from treemem import planning
from treemem.arguments import distinct_ids
from treemem.changes import ChangeSet, Receipt
from treemem.context import Context
from treemem.errors import ConflictError, InvalidInputError, MemoryNotFoundError, NotAllowedError
from treemem.read.states import histories
from treemem.write import closure
from treemem.write.committing import ATTEMPTS, commit, done_before, new_change
from treemem.write.intent import Intent


def purge(
    ctx: Context,
    ids: str | Iterable[str],
    intent: Intent,
    first: Callable[[closure.Closure], None] | None = None,
) -> Receipt:
    """See `TreeTextMemory.purge`.

    `first` erases what has the same words elsewhere. It is called when nothing refuses the purge any more, and again
    where another writer came in between.
    """
    wanted = distinct_ids(ids)
    base = new_change(ctx, "purge", intent, request=["purge", wanted])
    if not wanted:
        raise InvalidInputError("purge: no ids given")
    done = done_before(ctx, base) if intent.repeatable else None
    if done is not None:
        return done
    base = replace(base, model=None)
    for attempt in range(ATTEMPTS):
        info = ctx.store.cube(ctx.cube)
        read_at = base.now if info is None else info.clock
        _require_purgeable(ctx, wanted)
        found = closure.closure(ctx.store, ctx.cube, wanted)
        _require_own_closure(ctx, found)
        if first is not None:
            first(found)
        _bring_back(ctx, found.back, base)
        try:
            return ctx.store.purge(base, closure.erasure(ctx.store, ctx.cube, found, read_at))
        except ConflictError:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


def _require_purgeable(ctx: Context, wanted: Sequence[str]) -> None:
    known = histories(ctx, wanted)
    missing = {memory_id for memory_id, states in known.items() if not any(map(ctx.caller.sees, states))}
    if missing and not ctx.caller:  # a caller is not told what there was once
        missing -= {memory_id for memory_id, *_ in ctx.store.tombstones(ctx.cube)}
    if missing:
        raise MemoryNotFoundError(f"no memory {min(missing)!r} in cube {ctx.cube!r}")
    for memory_id, states in known.items():
        if states:
            ctx.caller.require_all_own(ctx.cube, memory_id, states)


def _require_own_closure(ctx: Context, found: closure.Closure) -> None:
    """Raise NotAllowedError if something that goes with what a caller purges is not its own."""
    for memory_id in found.doomed:
        if not all(map(ctx.caller.owns, found.histories.get(memory_id, ()))):
            raise NotAllowedError(
                f"purge: what was made of them is not {ctx.caller}'s alone; ask whoever opened the memory"
            )


def _bring_back(ctx: Context, ids: Iterable[str], purge: ChangeSet) -> None:
    """Restore the memories that were merged into a text which is about to be erased."""
    for memory_id in sorted(ids):
        base = new_change(ctx, "restore", Intent(None, purge.actor, f"for purge {purge.operation}"))

        def plan(base: ChangeSet, memory_id: str = memory_id) -> ChangeSet:
            history = histories(ctx, [memory_id])[memory_id]
            known = [s for s in planning.known_of(history) if not s.fields.get("frozen")]
            return planning.rewrite(base, "restore", memory_id, history, known) if known else base

        commit(ctx, base, plan, repeatable=False)
