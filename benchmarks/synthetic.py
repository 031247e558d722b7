"""Synthetic memories: clustered unit vectors and short texts with names. The same seed gives the same data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

WORDS = (
    "garden river bread winter music station letter bridge coffee window market doctor winter story island paper "
    "train morning friend summer kitchen street forest lesson ticket camera holiday office journey picture concert "
    "museum harbour mountain library village festival company meeting project answer question flower evening weather"
).split()
_FIRST = ("Mar", "Jon", "Pri", "Len", "Ana", "Bor", "Cle", "Dor", "Ely", "Fer", "Gus", "Hal", "Ina", "Kor", "Lud")
_MIDDLE = ("ba", "co", "di", "fe", "go", "hu", "ka", "li", "mo", "nu", "pe", "ri", "so", "tu")
_LAST = ("ta", "as", "ya", "ox", "el", "in", "ur", "ith", "opa", "eda", "igo", "usk", "ane", "ob", "im")
NAMES = [a + b + c for b in _MIDDLE for c in _LAST for a in _FIRST]  # 3,150


def unit(x: Any) -> Any:
    return (x / np.linalg.norm(x, axis=-1, keepdims=True)).astype(np.float32)


def vectors(n: int, seed: int = 0, dimension: int = 384, centres: int = 200) -> Any:
    """n clustered unit vectors, like embeddings of texts: float32 [n, dimension]."""
    rng = np.random.default_rng(seed)
    middle = unit(rng.normal(size=(centres, dimension)))
    return unit(middle[rng.integers(centres, size=n)] + 0.6 * unit(rng.normal(size=(n, dimension))))


def text(rng: Any) -> str:
    words = [WORDS[i] for i in rng.integers(len(WORDS), size=14)]
    for place in (3, 9):
        words[place] = NAMES[int(len(NAMES) ** rng.random()) - 1]  # few names are in many texts, most in few
    return " ".join(words)


def items(n: int, seed: int = 0) -> Iterator[dict[str, Any]]:
    """n memories with ids and vectors, two names each, some frequent and most rare, made as they are asked for."""
    rng = np.random.default_rng(seed)
    for start in range(0, n, 1_000):
        batch = vectors(min(1_000, n - start), seed=seed + start)
        for i, vector in enumerate(batch, start):
            yield {"id": f"m{i:07d}", "memory": text(rng), "metadata": {"embedding": vector}}
