"""reindex: the index entries of what is stored, made as this version makes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby, islice
from typing import Any

import numpy as np

from treemem.changes import ChangeSet, Erasure, State
from treemem.contents import day_of, embedded_texts_of, tokens_of
from treemem.context import Context
from treemem.store.shared import check_model
from treemem.write.addition import Progress
from treemem.write.committing import new_change, planned_again
from treemem.write.intent import Intent

#: How many memories one part takes: each may have many long states.
_PART = 20


def reindex(ctx: Context, progress: Progress | None) -> int:
    """See `TreeTextMemory.reindex`."""
    ctx.caller.require_whole_cube("reindex")
    info = ctx.store.cube(ctx.cube)
    if info is None:
        return 0
    if info.model is not None:
        check_model(ctx.cube, info.model.name, info.model.dimension, ctx.model)
    total = ctx.store.counts(ctx.cube)["states"]
    seen = done = 0
    memories = (list(states) for _, states in groupby(ctx.store.all_states(ctx.cube), lambda s: s.memory_id))
    while some := list(islice(memories, _PART)):
        outdated = [states[0].memory_id for states in some if any(_renewed(states))]
        if outdated:
            done += _renew(ctx, outdated)
        seen += sum(map(len, some))
        if progress is not None:
            progress(seen, max(total, seen))
    return done


def _renew(ctx: Context, ids: list[str]) -> int:
    """Renew the states of some memories; read them again where they changed meanwhile. Returns how many it renewed."""

    def write(base: ChangeSet) -> int:
        info = ctx.store.settled(ctx.cube)
        changed = _with_vectors(ctx, list(_renewed(ctx.store.history(ctx.cube, ids))))
        if info is None or not changed:
            return 0
        ctx.store.purge(base, Erasure((), redacted=tuple(changed), read_at=info.clock))
        return len(changed)

    return planned_again(ctx, new_change(ctx, "reindex", Intent()), write)


def _renewed(states: list[State]) -> Iterator[State]:
    """Yield those of some states that this version indexes otherwise, with their new tokens."""
    for state in states:
        tokens = tokens_of(_indexed(state))
        if tokens != state.tokens or _lacks_vectors(state):
            yield replace(state, tokens=tokens)


def _indexed(state: State) -> dict[str, Any]:
    """Return the fields of a state as they were when it was indexed: the time of recording came later, unless given."""
    fields = dict(state.fields)
    if fields.get("memory_time") is None and fields.get("created_at") is not None:
        day, _, year = day_of(fields["created_at"]).split()
        *_, first, _, last = ["", "", "", *state.tokens.partition("\n")[0].split(" ")]
        if (first, last) != (day, year):
            del fields["created_at"]
    return fields


def _lacks_vectors(state: State) -> bool:
    return len(state.content.vectors) != len(embedded_texts_of(dict(state.fields)))


def _with_vectors(ctx: Context, states: list[State]) -> list[State]:
    """Return states with the vectors of their passages; that of the whole text stays, which may have been given."""
    lacking = [n for n, state in enumerate(states) if _lacks_vectors(state)]
    made = ctx.vectors_of([dict(states[n].fields) for n in lacking])
    renewed = list(states)
    for n, own in zip(lacking, made, strict=True):
        renewed[n] = replace(states[n], vectors=np.concatenate([states[n].content.vectors[:1], own[1:]]))
    return renewed
