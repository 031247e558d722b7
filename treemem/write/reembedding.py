"""reembed: another model for the vectors of a cube, or of an archive."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import TypeVar, cast

from treemem.changes import State
from treemem.context import Context
from treemem.store.shared import refuse_loading
from treemem.write.addition import Progress
from treemem.write.committing import new_change
from treemem.write.intent import Intent

R = TypeVar("R")
#: How many texts are embedded at once.
_TEXTS = 200


def reembed(ctx: Context, progress: Progress | None) -> int:
    """See `TreeTextMemory.reembed`."""
    ctx.caller.require_whole_cube("reembed")
    model = ctx.model
    info = ctx.store.cube(ctx.cube)
    if info is None:
        return 0
    refuse_loading(ctx.cube, info.loading)
    total = ctx.store.counts(ctx.cube)["states"]
    done = 0
    if info.model != model:
        while True:
            for batch in ctx.store.unstaged(ctx.cube, model):
                vectors = ctx.vectors_of([{"key": each.key, "memory": each.text} for each in batch])
                rows = [
                    (each.memory_id, each.version, own[: 1 + each.passages])
                    for each, own in zip(batch, vectors, strict=True)
                ]
                ctx.store.stage(ctx.cube, model, rows)
                done += len(batch)
                if progress is not None:
                    progress(done, max(total, done))
            if ctx.store.switch(ctx.cube, model):
                break
        before = "no model" if info.model is None else info.model.name
        ctx.store.apply(new_change(ctx, "reembed", Intent(reason=f"from {before}")))
    else:
        ctx.store.switch(ctx.cube, model)  # what a crash left half in place
    return done


def reembedded(ctx: Context, rows: Iterable[tuple[int, str, R]]) -> Iterator[tuple[int, str, R]]:
    """Yield rows of an archive, its states with vectors of this memory's model; texts are embedded in batches."""
    for is_state, some in groupby(rows, key=lambda row: isinstance(row[2], State)):
        if not is_state:
            yield from some
            continue
        while batch := list(islice(some, _TEXTS)):
            states = [cast("State", row) for *_, row in batch]
            vectors = ctx.vectors_of([{"key": s.fields.get("key"), "memory": s.fields["memory"]} for s in states])
            for (number, kind, _), state, own in zip(batch, states, vectors, strict=True):
                kept = {n: getattr(state, n) for n in State.__slots__ if n != "vectors"}
                passages = state.tokens.count("\n")
                yield number, kind, cast("R", State(**kept, vectors=own[: 1 + passages]))
