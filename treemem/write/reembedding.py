"""reembed: another model for the vectors of a cube."""

from __future__ import annotations

from treemem.context import Context
from treemem.write.addition import Progress
from treemem.write.committing import new_change
from treemem.write.intent import Intent


def reembed(ctx: Context, progress: Progress | None) -> int:
    """See `TreeTextMemory.reembed`."""
    ctx.caller.require_whole_cube("reembed")
    model = ctx.model
    info = ctx.store.cube(ctx.cube)
    if info is None:
        return 0
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
