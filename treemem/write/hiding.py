"""delete, archive, restore, freeze, unfreeze: whether a memory is seen, and whether it may change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

from treemem import planning
from treemem.arguments import distinct_ids
from treemem.changes import ChangeSet, Content, Receipt, StateAssert
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.read.states import VISIBLE, histories, own_known
from treemem.write.committing import CHUNK, commit, commit_parts, new_change, settled
from treemem.write.derived import let_derived_follow, let_readings_follow
from treemem.write.echoing import HIDDEN
from treemem.write.intent import Intent


class _Plan(Protocol):
    def __call__(self, ctx: Context, base: ChangeSet, ids: Sequence[str]) -> ChangeSet: ...


def delete(ctx: Context, ids: str | Iterable[str], intent: Intent) -> Receipt:
    """See `TreeTextMemory.delete`."""
    return _rewrite(ctx, "delete", ids, intent)


def forget(ctx: Context, ids: str | Iterable[str], intent: Intent) -> Receipt:
    """Delete memories that follow others so that they do not come back with them, those too that are hidden now."""
    return _rewrite(ctx, "delete", ids, intent, _plan_forgotten)


def archive(ctx: Context, ids: str | Iterable[str], intent: Intent) -> Receipt:
    """See `TreeTextMemory.archive`."""
    return _rewrite(ctx, "archive", ids, intent)


def delete_all(ctx: Context, intent: Intent) -> Receipt | None:
    """See `TreeTextMemory.delete_all`."""
    known = [s for s in ctx.store.all_states(ctx.cube) if s.closed_by is None and ctx.caller.sees(s)]
    ids = {s.memory_id for s in known if s.fields["status"] in VISIBLE}
    ids -= {s.memory_id for s in known if not ctx.caller.owns(s)}
    return delete(ctx, sorted(ids), intent) if ids else None


def restore(ctx: Context, ids: str | Iterable[str], intent: Intent) -> Receipt:
    """See `TreeTextMemory.restore`."""
    return _rewrite(ctx, "restore", ids, intent)


def freeze(ctx: Context, ids: str | Iterable[str], intent: Intent) -> Receipt:
    """See `TreeTextMemory.freeze`."""
    return _rewrite(ctx, "freeze", ids, intent)


def unfreeze(ctx: Context, ids: str | Iterable[str], intent: Intent) -> Receipt:
    """See `TreeTextMemory.unfreeze`."""
    return _rewrite(ctx, "unfreeze", ids, intent)


def _rewrite(ctx: Context, kind: str, ids: str | Iterable[str], intent: Intent, plan: _Plan | None = None) -> Receipt:
    plan = plan or plan_rewrite
    wanted = distinct_ids(ids)
    if not wanted:
        raise InvalidInputError(f"{kind}: no ids given")
    base = new_change(ctx, kind, intent, request=[kind, wanted])
    if len(wanted) <= CHUNK:
        done = commit(ctx, base, partial(plan, ctx, ids=wanted), repeatable=intent.repeatable)
    else:
        done = _rewrite_in_parts(ctx, base, wanted, plan, repeatable=intent.repeatable)
    if kind == "delete":
        let_derived_follow(ctx, base, done, wanted)
    elif kind == "restore":
        let_readings_follow(ctx, base, done, wanted)
    return done


def _rewrite_in_parts(
    ctx: Context, base: ChangeSet, wanted: Sequence[str], plan: _Plan, *, repeatable: bool
) -> Receipt:
    if not ctx.store.operations(ctx.cube, ids=[f"{base.operation}/0"], limit=1):
        settled(ctx, lambda: plan(ctx, base, wanted))  # refused as a whole, before the first part
    chunks = [wanted[i : i + CHUNK] for i in range(0, len(wanted), CHUNK)]
    plans = [partial(plan, ctx, ids=chunk) for chunk in chunks]
    return commit_parts(ctx, base, plans, repeatable=repeatable)


def plan_rewrite(ctx: Context, base: ChangeSet, ids: Sequence[str]) -> ChangeSet:
    """Return `base` with every known segment of these memories asserted again, as `base.kind` wants it."""
    groups = [
        planning.rewrite(base, base.kind, memory_id, history, own_known(ctx, memory_id, history))
        for memory_id, history in histories(ctx, ids).items()
    ]
    return planning.with_rows(
        base,
        states=[row for group in groups for row in group.states],
        expected={memory_id: version for group in groups for memory_id, version in group.expected.items()},
    )


def _plan_forgotten(ctx: Context, base: ChangeSet, ids: Sequence[str]) -> ChangeSet:
    rows: list[StateAssert] = []
    expected: dict[str, int] = {}
    for memory_id, history in histories(ctx, ids).items():
        known = planning.changeable(base.cube, memory_id, own_known(ctx, memory_id, history), frozenset())
        for state in known:
            fields = _forgotten(state.fields)
            if fields != state.fields:
                content = Content(fields, state.content.vectors, state.tokens)
                rows.append(StateAssert(memory_id, content, state.valid_from, state.valid_to))
        expected[memory_id] = max(s.version for s in history)
    return planning.with_rows(base, states=rows, expected=expected)


def _forgotten(told: Mapping[str, Any]) -> dict[str, Any]:
    fields = {**told, "status": "deleted"}
    if isinstance(fields.get("info"), Mapping):
        fields["info"] = {name: value for name, value in fields["info"].items() if name != HIDDEN}
    return fields
