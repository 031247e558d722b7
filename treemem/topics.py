"""What a topic is called and where it lies: made of its members, by whoever makes, renames or erases one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from treemem.caller import owners_of
from treemem.canonical import Vector
from treemem.changes import State
from treemem.text import STOP_WORDS, words

#: How many words a topic is named by.
_NAMED_BY = 3
_PREFIX = "Topic: "


def together(one: State, other: State) -> bool:
    """Return whether two memories are seen by the same callers."""
    return owners_of(one.fields) == owners_of(other.fields)


def name(members: Sequence[State], others: Sequence[State] = ()) -> str:
    """Return what a topic is called: the words that most of its memories say and fewest `others`, the longest first
    among equals.
    """
    said, elsewhere = _said(members), _said(others)

    def telling(word: str) -> float:
        return said[word] / len(members) - elsewhere[word] / max(1, len(others))

    best = sorted(said, key=lambda word: (-telling(word), -len(word), word))[:_NAMED_BY]
    return _PREFIX + ", ".join(best or ["memories"])


def _said(members: Sequence[State]) -> Counter[str]:
    said: Counter[str] = Counter()
    for state in members:
        text = str(state.fields["memory"]).removeprefix(_PREFIX)
        said.update({w for w in words(text) if w not in STOP_WORDS and len(w) > 1})
    return said


def centre_of(vectors: Sequence[Vector]) -> Vector:
    """Return the mean direction of some vectors, of unit norm."""
    mean = np.mean(np.array(vectors, dtype=np.float32), axis=0)
    length = float(np.linalg.norm(mean))
    return np.asarray(mean / length if length > 1e-6 else vectors[0], dtype=np.float32)
