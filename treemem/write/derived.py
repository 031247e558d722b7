"""What is made of memories follows them when they change: topics above them, preferences and items read from them."""

from __future__ import annotations

from collections.abc import Sequence

from treemem.changes import ChangeSet, Receipt
from treemem.context import Context
from treemem.read.states import derivations
from treemem.write.echoing import let_preferences_follow
from treemem.write.following import let_topics_follow
from treemem.write.sourced import let_items_follow


def let_derived_follow(
    ctx: Context, base: ChangeSet, done: Receipt, ids: Sequence[str], *, apart: Sequence[str] = ()
) -> None:
    """Let topics, preferences and items follow memories that were just changed, each in an operation of its own.

    They are ones that `undo` of the change need not take back first. Items and preferences `apart` were given what they
    say by the change itself.
    """
    let_topics_follow(ctx, base, done, ids)
    let_readings_follow(ctx, base, done, ids, apart=apart)


def let_readings_follow(
    ctx: Context, base: ChangeSet, done: Receipt, ids: Sequence[str], *, apart: Sequence[str] = ()
) -> None:
    """Let preferences and items follow memories that were just changed in a way that gives no topic another name.

    Most memories have none: one look at their edges says so.
    """
    read = [] if done.repeated else _with_readings(ctx, ids)
    if read:
        let_preferences_follow(ctx, base, done, read, apart)
        let_items_follow(ctx, base, done, read, apart)


def _with_readings(ctx: Context, ids: Sequence[str]) -> list[str]:
    """Return those of some memories that others are derived from, in their order."""
    targets = {edge.target for edge in derivations(ctx, ids)}
    return [i for i in ids if i in targets]
