"""Which memories feedback may be about: those that are named, those that a search finds, those that say a name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from treemem.changes import State
from treemem.contents import is_label
from treemem.context import Context
from treemem.errors import MemoryNotFoundError
from treemem.knowledge.renaming import renamed_fields
from treemem.read.states import VISIBLE, states_at
from treemem.search import asking
from treemem.store.protocol import Recall, seeds_alone
from treemem.text import analyse, distinct
from treemem.write.preferring import is_preference

#: What `info` says of a message that is feedback: no name is replaced in it.
FEEDBACK = "feedback"
#: How many memories a search brings for feedback that names none.
SEARCHED = 10
#: How many memories are looked through for a name, by the text index; and words of it that are looked for.
LOOKED_THROUGH, MOST_WORDS = 1_000, 16


def named(ctx: Context, ids: Sequence[str]) -> list[State]:
    """Return the memories of these ids, as they are now. Raises MemoryNotFoundError, NotAllowedError."""
    found = states_at(ctx, ids, ctx.moment(), vectors=True)
    missing = [i for i in ids if i not in {s.memory_id for s in found}]
    if missing:
        raise MemoryNotFoundError(f"about: no memory {missing[0]!r} in cube {ctx.cube!r} that holds now")
    for state in found:
        ctx.caller.require_own(ctx.cube, state.memory_id, [state])
    return found


def searched(ctx: Context, words: str) -> list[State]:
    """Return the memories of the caller's own that a search for some words finds, best first."""
    hits = asking.search(replace(ctx, usage=None), words, SEARCHED, when="now")
    order = {hit.id: n for n, hit in enumerate(hits)}
    found = [s for s in states_at(ctx, list(order), ctx.moment(), vectors=True) if _may_change(ctx, s)]
    return sorted(found, key=lambda s: order[s.memory_id])


def saying(ctx: Context, old: str, new: str) -> tuple[list[State], bool]:
    """Return the memories of the caller's own that a name stands in, topics and merged ones too, and whether there may
    be more: the text index gives the first thousand that have one of its words.
    """
    recall = Recall(
        ctx.cube,
        ctx.moment(),
        tokens=tuple(distinct(analyse(old))[:MOST_WORDS]),
        statuses=VISIBLE,
        visible=ctx.visible,
        vector_limit=0,
        text_limit=LOOKED_THROUGH,
        hops=0,
        model=ctx.model,
        vectors=True,
    )
    found, states = ctx.store.recall(recall, seeds_alone)
    own = [s for s in states if ctx.caller.owns(s) and not _is_feedback(s) and renamed_fields(s.fields, old, new)]
    full = len({seed.memory_id for seed in found.seeds}) >= LOOKED_THROUGH
    return sorted(own, key=lambda s: (s.valid_from, s.memory_id)), full


def _is_feedback(state: State) -> bool:
    return bool((state.fields.get("info") or {}).get(FEEDBACK))


def _may_change(ctx: Context, state: State) -> bool:
    return ctx.caller.owns(state) and not is_label(state.fields) and not is_preference(state.fields)


def frozen(states: Sequence[State]) -> tuple[list[State], tuple[str, ...]]:
    """Return the memories that may change, and notes of those that are frozen."""
    notes = tuple(f"{s.memory_id} is frozen; unfreeze() it first" for s in states if s.fields.get("frozen"))
    return [s for s in states if not s.fields.get("frozen")], notes
