"""The topic tree around what changed: joins, new topics, splits, and topics above topics. Reads, and writes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from treemem.changes import Edge, EdgeType, State
from treemem.contents import is_topic
from treemem.context import Context
from treemem.read.states import edges_at, last_versions
from treemem.reorganize import candidates, topics
from treemem.reorganize.candidates import Pair
from treemem.reorganize.plan import Action
from treemem.temporal import Moment

#: How many of the nearest of a topic are looked at for topics like it.
_NEAR_TOPICS = 30


def arranged(
    ctx: Context, near: Sequence[Pair], changed: Iterable[State], moment: Moment, busy: set[str]
) -> list[Action]:
    """Return the actions on the tree for what changed and the topics near to it; the rest of the tree is not read."""
    actions = _placed(ctx, near, moment, busy, above=None)
    touched = {s.memory_id: s for pair in near for s in (pair.one, pair.other) if is_topic(s.fields)}
    touched |= {s.memory_id: s for s in changed if is_topic(s.fields)}
    if not touched:
        return actions
    used = busy | {i for action in actions for i in action.ids}
    below = edges_at(ctx, sorted(touched), [EdgeType.PARENT], moment, "out", statuses=None)
    children = _children(below)
    for topic in sorted(touched.keys() - used):
        ids = sorted(children.get(topic, ()))
        if len(ids) >= 2 * topics.FEWEST:
            held = ctx.store.states(ctx.cube, ids, moment, vectors=True)
            states = [s for s in held if not s.fields.get("frozen") and ctx.caller.sees(s)]
            versions = last_versions(ctx, [topic, *ids])
            splits = topics.split(touched[topic], states, versions)
            actions += splits
            used |= {i for action in splits for i in action.ids}
    return actions + _topics_above(ctx, list(touched.values()), moment, used)


def _topics_above(ctx: Context, touched: list[State], moment: Moment, used: set[str]) -> list[Action]:
    """Return the actions that join topics that are alike, and put topics below topics."""
    found = candidates.pairs(ctx.store, ctx.cube, touched, moment, neighbours=_NEAR_TOPICS, least=topics.JOINS)
    found = (p for p in found if ctx.caller.sees(p.one) and ctx.caller.sees(p.other))
    pairs = [p for p in found if is_topic(p.one.fields) and is_topic(p.other.fields)]
    ids = sorted({s.memory_id for p in pairs for s in (p.one, p.other)})
    edges = edges_at(ctx, ids, [EdgeType.PARENT], moment, statuses=None)
    children = _children(edges)
    parents = {e.target: e.source for e in edges}
    lineage = {frozenset((e.source, e.target)) for e in edges}
    apart = [p for p in pairs if frozenset((p.one.memory_id, p.other.memory_id)) not in lineage]
    joining = topics.joined(apart, children, parents, last_versions(ctx, ids), used)
    used = used | {i for action in joining for i in action.ids}
    states = ctx.store.states(ctx.cube, sorted({c for many in children.values() for c in many}), moment)
    kinds = {s.memory_id for s in states if is_topic(s.fields)}
    above = {topic for topic, many in children.items() if kinds & set(many)}
    return joining + _placed(ctx, apart, moment, used, above=above)


def _children(edges: Iterable[Edge]) -> dict[str, list[str]]:
    """Return what lies below each parent."""
    children: dict[str, list[str]] = {}
    for edge in edges:
        children.setdefault(edge.source, []).append(edge.target)
    return children


def _placed(ctx: Context, near: Sequence[Pair], moment: Moment, busy: set[str], above: set[str] | None) -> list[Action]:
    """Return the actions that put memories, or topics, without a parent below topics."""
    ids = sorted({s.memory_id for pair in near for s in (pair.one, pair.other)})
    edges = edges_at(ctx, ids, [EdgeType.PARENT], moment, statuses=None)
    sizes = Counter(e.source for e in edges)
    parented = {e.target for e in edges}
    return topics.grouped(near, parented, sizes, last_versions(ctx, ids), busy, above)
