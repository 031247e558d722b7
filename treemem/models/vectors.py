"""From contents to the vectors that stand for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from treemem.canonical import Vectors
from treemem.contents import embedded_texts_of
from treemem.models.embedders import Embedder, embedded_texts

#: How many texts a model is given at once.
_AT_ONCE = 256


def vectors_of(embedder: Embedder, contents: Sequence[dict[str, Any]]) -> list[Vectors]:
    """Return the vectors of each of some contents: that of its text, then those of the passages of a long one.

    Raises EmbedderError.
    """
    if not contents:
        return []
    texts = [embedded_texts_of(fields) for fields in contents]
    every = [text for some in texts for text in some]
    made = [embedded_texts(embedder, every[start : start + _AT_ONCE]) for start in range(0, len(every), _AT_ONCE)]
    return np.split(np.concatenate(made), np.cumsum([len(some) for some in texts])[:-1])
