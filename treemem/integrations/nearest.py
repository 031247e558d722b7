"""Memories by vectors, where a framework embeds what it asks for itself."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from treemem.errors import InvalidInputError
from treemem.integrations.talk import storable
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory
from treemem.models.embedders import embedded_questions, embedded_texts

#: How many texts that were embedded are known again by their vectors.
_KNOWN = 4_096
#: What a memory says that has no text.
NO_TEXT = "(no text)"
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
                f"embedding: {len(asked)} numbers, those of the cube have {0 if vector is None else len(vector)}; "
                "embed with the model of the memory"
            )
        found.append((item, list(vector), float(np.dot(asked, vector) / norm)))
    return sorted(found, key=lambda each: -each[2])


def plain(text: str) -> str:
    """Return a text as a memory can hold it, whatever characters it has; who needs it whole keeps it beside that."""
    made = storable(text)
    return made if made.strip() else NO_TEXT


class Embedding:
    """The model of a memory as frameworks want one, texts to lists of numbers. It knows again what it has embedded.

    A question that comes back as its vector alone is then known in words.
    """

    def __init__(self, memory: TreeTextMemory) -> None:
        self._memory = memory
        self._texts: OrderedDict[bytes, str] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors of texts to be found."""
        return self._made(embedded_texts, texts)

    def questions(self, texts: Sequence[str]) -> list[list[float]]:
        """Return the vectors of what is searched for."""
        return self._made(embedded_questions, texts)

    def text_of(self, vector: Sequence[float] | None) -> str | None:
        """Return the text that a vector was made of, None where that is not known."""
        with self._lock:
            return None if vector is None else self._texts.get(_key(vector))

    def _made(self, embed: Callable[..., Any], texts: Sequence[str]) -> list[list[float]]:
        some = [plain(text) for text in texts]
        made = embed(self._memory.embedder, some)
        with self._lock:
            for text, vector in zip(some, made, strict=True):
                self._texts[_key(vector)] = text
                self._texts.move_to_end(_key(vector))
            while len(self._texts) > _KNOWN:
                self._texts.popitem(last=False)
        return [vector.tolist() for vector in made]

    def __deepcopy__(self, memo: Any) -> Embedding:
        return self


def _key(vector: Any) -> bytes:
    return np.asarray(vector, dtype=np.float32).tobytes()
