"""Topics: memories that belong together get one parent, a few at a time, never all anew; topics come below topics."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from treemem.changes import State
from treemem.contents import is_topic
from treemem.reorganize.candidates import Pair
from treemem.reorganize.plan import Action, ActionKind, as_reason
from treemem.text import caption
from treemem.topics import centre_of, name, together

#: The cosine from which a memory joins a topic, from which memories make a new one, and from which two topics are one.
JOINS, ALIKE, ONE = 0.55, 0.6, 0.9
FEWEST, MOST = 4, 50
#: From how many children on a topic is split, and below which mean cosine of its children to their mean.
SPLIT_FROM, COHERENT = 40, 0.45


def grouped(
    pairs: Iterable[Pair],
    parented: Collection[str],
    sizes: Mapping[str, int],
    versions: Mapping[str, int],
    busy: Collection[str],
    above: Collection[str] | None = None,
) -> list[Action]:
    """Return the actions that give memories without a parent one: the nearest topic, or a new one of at least four.

    `sizes` is how many children topics have: none gets more than fifty. What finds no place waits. With `above`, the
    topics that have topics below them, it does the same for topics: they join one of those, or make a new one.
    """
    states: dict[str, State] = {}
    near: dict[str, dict[str, float]] = {}
    for pair in pairs:
        for one, other in ((pair.one, pair.other), (pair.other, pair.one)):
            states[one.memory_id] = one
            near.setdefault(one.memory_id, {})[other.memory_id] = pair.cosine
    free = {
        i
        for i, state in states.items()
        if i not in parented
        and i not in busy
        and is_topic(state.fields) == (above is not None)
        and i not in (above or ())
        and not state.fields.get("frozen")
    }
    joining: dict[str, list[str]] = {}
    for memory_id in sorted(free):
        topics = {
            other: cosine
            for other, cosine in near[memory_id].items()
            if is_topic(states[other].fields) and cosine >= JOINS and together(states[other], states[memory_id])
            if above is None or other in above
        }
        for topic in sorted(topics, key=lambda t: (-topics[t], t)):
            if sizes.get(topic, 0) + len(joining.get(topic, ())) < MOST:
                joining.setdefault(topic, []).append(memory_id)
                break
    placed = {i for many in joining.values() for i in many}
    actions = [_join(topic, members, states, versions) for topic, members in sorted(joining.items())]
    return actions + list(_new(free - placed, near, states, versions))


def _new(
    free: set[str], near: Mapping[str, Mapping[str, float]], states: Mapping[str, State], versions: Mapping[str, int]
) -> Iterable[Action]:
    def around(centre: str) -> list[str]:
        alike = [i for i, cosine in near[centre].items() if i in free and cosine >= ALIKE]
        return sorted(i for i in alike if together(states[centre], states[i]))

    for centre in sorted(free, key=lambda i: (-len(around(i)), i)):
        members = [centre, *around(centre)] if centre in free else []
        if len(members) >= FEWEST:
            free -= set(members)
            yield _action(members, states, versions, "alike, and without a topic", name([states[i] for i in members]))


def _join(topic: str, members: Sequence[str], states: Mapping[str, State], versions: Mapping[str, int]) -> Action:
    return _action([topic, *members], states, versions, f"near to {states[topic].fields['memory']!r}", None)


def _action(
    ids: Sequence[str],
    states: Mapping[str, State],
    versions: Mapping[str, int],
    reason: str,
    text: str | None,
    kind: ActionKind = ActionKind.GROUP,
) -> Action:
    return Action(
        kind=kind,
        ids=tuple(ids),
        versions={i: versions[i] for i in ids},
        reason=as_reason(reason),
        confidence=0.7,
        edge="PARENT",
        text=text,
        evidence={"texts": {i: caption(str(states[i].fields["memory"]), 200) for i in ids}},
    )


def split(topic: State, children: Sequence[State], versions: Mapping[str, int]) -> list[Action]:
    """Return the actions that put the children of a topic which is too large, or not coherent, below two new topics.

    The two are those of average linkage (scipy) over the cosines of the children. A group of fewer than four stays
    where it is. Nothing is split that has topics below it or is frozen.
    """
    from scipy.cluster.hierarchy import fcluster, linkage

    if len(children) < 2 * FEWEST or topic.fields.get("frozen") or any(is_topic(c.fields) for c in children):
        return []
    vectors = np.array([c.content.embedding for c in children], dtype=np.float64)
    coherent = float(np.mean(vectors @ centre_of([c.content.embedding for c in children])))
    if len(children) < SPLIT_FROM and coherent >= COHERENT:
        return []
    reason = f"{len(children)} below {topic.fields['memory']!r}, of a mean cosine of {coherent:.2f}"
    labels = fcluster(linkage(vectors, method="average", metric="cosine"), 2, criterion="maxclust")
    if min(np.bincount(labels)[1:]) < FEWEST:  # a few stand apart: halves along the widest direction instead
        spread = vectors - vectors.mean(axis=0)
        along = spread @ np.linalg.svd(spread, full_matrices=False)[2][0]
        labels = 1 + (along > np.median(along))
    groups = [[c for c, label in zip(children, labels, strict=True) if label == n] for n in (1, 2)]
    if min(map(len, groups)) < FEWEST:
        return []
    actions = []
    for one, other in (groups, groups[::-1]):
        states = {s.memory_id: s for s in (topic, *one)}
        ids = [topic.memory_id, *(s.memory_id for s in one)]
        actions.append(_action(ids, states, versions, reason, name(one, other), ActionKind.SPLIT))
    return actions


def joined(
    alike: Iterable[Pair],
    children: Mapping[str, Sequence[str]],
    parents: Mapping[str, str],
    versions: Mapping[str, int],
    busy: Collection[str],
) -> list[Action]:
    """Return the actions that make one of two topics below the same parent, where they say the same and have room.

    The larger one stays and gets the children of the other, which is archived.
    """
    actions: list[Action] = []
    gone = set(busy)
    for pair in sorted(alike, key=lambda p: (-p.cosine, p.one.memory_id, p.other.memory_id)):
        one, other = pair.one, pair.other
        ids = (one.memory_id, other.memory_id)
        room = sum(len(children.get(i, ())) for i in ids) <= MOST
        same = parents.get(ids[0]) == parents.get(ids[1]) and together(one, other)
        if pair.cosine < ONE or not room or not same or gone & set(ids):
            continue
        if any(s.fields.get("frozen") for s in (one, other)):
            continue
        kept, ended = sorted((one, other), key=lambda s: (-len(children.get(s.memory_id, ())), s.memory_id))
        gone |= set(ids)
        states = {s.memory_id: s for s in (kept, ended)}
        reason = f"{ended.fields['memory']!r} is {kept.fields['memory']!r} (cosine {pair.cosine:.2f})"
        ids = (kept.memory_id, ended.memory_id)
        actions.append(_action(ids, states, versions, reason, None, ActionKind.JOIN))
    return actions
