"""Items that a language model read follow the memories they were read from: out of sight, in time, and to other owners.

An item is there as long as one of its sources says its words: the one it was read from, together with those that gave
it further words, or one that said the same again. Where none does, it is hidden as by `delete`; where they end, it
ends; where they come back, it comes back. Erasing is `treemem.write.closure`'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from treemem import planning
from treemem.caller import OWNERSHIP, owners_of
from treemem.changes import ChangeSet, Content, Edge, Receipt, State, StateAssert
from treemem.contents import AGAIN, is_read
from treemem.context import Context
from treemem.ids import derived_id
from treemem.read.states import batched, derivations
from treemem.temporal import END
from treemem.write.committing import CHUNK, commit, new_change
from treemem.write.following import let_topics_follow
from treemem.write.intent import Intent

#: The kind of the operations by which items follow.
FOLLOW = "follow_sources"


def let_items_follow(
    ctx: Context, base: ChangeSet, done: Receipt, ids: Sequence[str], apart: Sequence[str] = ()
) -> None:
    """Let the items that were read from some memories follow these, and topics follow the items."""
    items = [] if done.repeated else sorted(_items_of(ctx, ids) - set(apart))
    for start in range(0, len(items), CHUNK):
        some = items[start : start + CHUNK]
        after = new_change(ctx, FOLLOW, Intent(actor=base.actor), request=[base.operation, some])
        one = replace(after, operation=derived_id(FOLLOW, base.operation, done.recorded_at, *some))
        if _plan(ctx, one, some).states:
            commit(ctx, one, partial(_plan, ctx, ids=some), repeatable=False)
            let_topics_follow(ctx, one, done, some)


def _items_of(ctx: Context, ids: Sequence[str]) -> set[str]:
    """Return the memories that were read from some memories."""
    return {e.source for e in derivations(ctx, ids) if e.target in set(ids) and e.properties.get("part")}


@dataclass(slots=True)
class _Ground:
    """What the items of one change, and their sources, are known to say."""

    edges: list[Edge]
    histories: dict[str, list[State]]
    follows: set[str]

    def says(self, edge: Edge) -> list[State]:
        """Return the known states of a source, not hidden, that say what was read in it."""
        history = self.histories.get(edge.target, ())
        version = edge.properties.get("version")
        read = next((s for s in history if s.version == version), None)
        words = None if read is None else str(read.fields["memory"])[edge.properties["start"] : edge.properties["end"]]
        known = [s for s in planning.known_of(history) if s.fields["status"] != "deleted"]
        return [s for s in known if words is None or words in str(s.fields["memory"])]

    def support(self, item: str) -> tuple[list[State], int]:
        """Return the last states of sources that say an item's words, and until when they do; none where none does."""
        ours = [e for e in self.edges if e.source == item]
        found: list[State] = []
        end = 0
        read = [self.says(e) for e in ours if e.properties.get("part") in ("quoted", "context")]
        if read and all(read):
            found += [_last(self.says(e)) for e in ours if e.properties.get("part") == "quoted"]
            end = min(max(s.valid_to for s in each) for each in read)
        for edge in ours:
            if edge.properties.get("part") == AGAIN:
                again = self.says(edge)
                found += [_last(again)] if again else []
                end = max([end, *(s.valid_to for s in again)])
        return found, end

    def given(self, item: str) -> list[State]:
        """Return the states that an item has by what others than this module did last."""
        history = self.histories.get(item, [])
        own = [s for s in history if s.opened_by not in self.follows]
        last = max((s.recorded_from for s in own), default=0)
        return [s for s in own if s.closed_by is None or (s.closed_by in self.follows and s.recorded_from == last)]


def _plan(ctx: Context, base: ChangeSet, ids: Sequence[str]) -> ChangeSet:
    """Return the change by which these items say what their sources leave of them."""
    edges = derivations(ctx, ids)
    wanted = sorted({*ids, *(e.target for e in edges)})
    histories: dict[str, list[State]] = {}
    for batch in batched(wanted):
        for state in ctx.store.history(ctx.cube, batch):
            histories.setdefault(state.memory_id, []).append(state)
    by = {i for item in ids for s in histories.get(item, ()) for i in (s.opened_by, s.closed_by) if i is not None}
    kinds = [o for batch in batched(sorted(by)) for o in ctx.store.operations(ctx.cube, ids=batch, limit=len(batch))]
    ground = _Ground(edges, histories, {o.id for o in kinds if o.kind == FOLLOW})
    states: list[StateAssert] = []
    expected: dict[str, int] = {}
    for item in ids:
        rows = list(_rows(ground, item))
        if rows:
            states += rows
            expected[item] = max(s.version for s in histories[item])
    return planning.with_rows(base, states=states, expected=expected)


def _rows(ground: _Ground, item: str) -> Iterable[StateAssert]:
    """Yield the asserts by which an item says what it should, none where it does."""
    known = planning.known_of(ground.histories.get(item, ()))
    if not any(is_read(s.fields) for s in known) or any(s.fields.get("frozen") for s in known):
        return
    supporters, end = ground.support(item)
    for given in ground.given(item):
        fields = dict(given.fields)
        until = given.valid_to
        if not supporters:
            fields["status"] = "deleted"
        else:
            fields |= _owner(fields, supporters)
            if end != END and until == END:
                until = max(end, given.valid_from)
        fields = {name: value for name, value in fields.items() if value is not None}
        wanted = [(given.valid_from, until, fields)] if until > given.valid_from else []
        there = [
            (s.valid_from, s.valid_to, dict(s.fields))
            for s in known
            if s.valid_from < given.valid_to and given.valid_from < s.valid_to
        ]
        if there == wanted:
            continue
        if wanted:
            content = Content(fields, given.content.vectors, given.tokens)
            yield StateAssert(item, content, given.valid_from, until)
        if until < given.valid_to:
            yield StateAssert(item, None, until, given.valid_to)


def _last(states: Sequence[State]) -> State:
    return max(states, key=lambda s: s.valid_from)


def _owner(fields: dict[str, Any], supporters: Sequence[State]) -> dict[str, Any]:
    """Return whose an item is: as it was while one of its sources is so, else as its first source."""
    if owners_of(fields) in {owners_of(s.fields) for s in supporters}:
        return {}
    return {name: supporters[0].fields.get(name) for name in OWNERSHIP}
