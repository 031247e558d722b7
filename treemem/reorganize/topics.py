"""Topics: memories that belong together get one parent, a few at a time, never all anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from treemem.canonical import Vector
from treemem.changes import State
from treemem.contents import is_topic
from treemem.reorganize.candidates import Pair
from treemem.reorganize.plan import Action, ActionKind
from treemem.text import STOP_WORDS, caption, words

#: The cosine from which a memory joins a topic, and from which memories make a new one.
JOINS, ALIKE = 0.55, 0.6
FEWEST, MOST = 4, 50
_NAMED_BY = 3


def grouped(
    pairs: Iterable[Pair],
    parented: Collection[str],
    sizes: Mapping[str, int],
    versions: Mapping[str, int],
    busy: Collection[str],
) -> list[Action]:
    """Return the actions that give memories without a parent one: the nearest topic, or a new one of at least four.

    `sizes` is how many children topics have: none gets more than fifty. What finds no place waits.
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
        if i not in parented and i not in busy and not is_topic(state.fields) and not state.fields.get("frozen")
    }
    joining: dict[str, list[str]] = {}
    for memory_id in sorted(free):
        topics = {
            other: cosine
            for other, cosine in near[memory_id].items()
            if is_topic(states[other].fields) and cosine >= JOINS and _together(states[other], states[memory_id])
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
        return sorted(i for i in alike if _together(states[centre], states[i]))

    for centre in sorted(free, key=lambda i: (-len(around(i)), i)):
        members = [centre, *around(centre)] if centre in free else []
        if len(members) >= FEWEST:
            free -= set(members)
            yield _action(members, states, versions, "alike, and without a topic", name(members, states))


def _join(topic: str, members: Sequence[str], states: Mapping[str, State], versions: Mapping[str, int]) -> Action:
    return _action([topic, *members], states, versions, f"near to {states[topic].fields['memory']!r}", None)


def _action(
    ids: Sequence[str], states: Mapping[str, State], versions: Mapping[str, int], reason: str, text: str | None
) -> Action:
    return Action(
        kind=ActionKind.GROUP,
        ids=tuple(ids),
        versions={i: versions[i] for i in ids},
        reason=reason,
        confidence=0.7,
        edge="PARENT",
        text=text,
        evidence={"texts": {i: caption(str(states[i].fields["memory"]), 200) for i in ids}},
    )


def _together(one: State, other: State) -> bool:
    """Return whether two memories are seen by the same callers."""
    return all(one.fields.get(name) == other.fields.get(name) for name in ("visibility", "user_id", "session_id"))


def name(members: Sequence[str], states: Mapping[str, State]) -> str:
    """Return what a topic is called: the words that most of its memories say, the longest first among equals."""
    said: Counter[str] = Counter()
    for memory_id in members:
        said.update({w for w in words(str(states[memory_id].fields["memory"])) if w not in STOP_WORDS and len(w) > 1})
    best = sorted(said, key=lambda word: (-said[word], -len(word), word))[:_NAMED_BY]
    return "Topic: " + ", ".join(best or ["memories"])


def centre_of(vectors: Sequence[Vector]) -> Vector:
    """Return the mean direction of some vectors, of unit norm."""
    mean = np.mean(np.array(vectors, dtype=np.float32), axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 1e-6 else vectors[0], dtype=np.float32)
