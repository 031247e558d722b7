"""Memories by their vectors alone, where a framework has embedded the question itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from treemem.errors import InvalidInputError
from treemem.items import TextualMemoryItem

#: A memory, its vector, and its cosine to what was asked for.
Near = tuple[TextualMemoryItem, list[float], float]


def nearest(items: Iterable[TextualMemoryItem], embedding: Sequence[float]) -> list[Near]:
    """Return memories with their vectors and cosines to a vector, the nearest first; each is looked at.

    Raises InvalidInputError for a vector without a direction, or of another dimension than theirs.
    """
    asked = np.asarray(embedding, dtype=np.float64)
    norm = np.linalg.norm(asked)
    if asked.ndim != 1 or not np.isfinite(norm) or norm == 0:
        raise InvalidInputError("embedding: wanted a vector that has a direction: finite numbers, not all zero")
    found = []
    for item in items:
        vector = item.metadata.embedding
        if vector is None or len(vector) != len(asked):
            raise InvalidInputError(
                f"embedding: {len(asked)} numbers, those of the cube have {0 if vector is None else len(vector)}; embed "
                "with the model of the memory"
            )
        found.append((item, list(vector), float(np.dot(asked, vector) / norm)))
    return sorted(found, key=lambda each: -each[2])
