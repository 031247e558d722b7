"""The words of a cube's states, each with the rows that have it, for BM25.

BM25 is Lucene's: idf = ln(1 + (N - n + 0.5) / (n + 0.5)), k1 = 1.2, b = 0.75 (Robertson and Zaragoza, 2009).
"""

from __future__ import annotations

import math
import struct
import threading
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from treemem.store.sqlite.masks import Mask, resized, roomier

K1, B = 1.2, 0.75
#: Characters of a text counted in one call, which lets no other thread run.
_AT_ONCE = 65_536
_PAIR = struct.Struct("=ii").pack


class Postings:
    """For each word the rows that have it and how often; for each row how many words it has."""

    def __init__(self, lock: threading.Lock) -> None:
        """`lock` is held by whoever adds rows; postings are copied under it, since they grow."""
        self._lock = lock
        self._size = 0
        self._lengths = np.empty(0, dtype=np.int32)
        #: Pairs of (row, how often), packed; the garbage collector does not look at bytes, and there are many words.
        self._postings: dict[str, bytearray] = {}

    @property
    def nbytes(self) -> int:
        """An estimate of the memory held, in bytes."""
        return 300 * len(self._postings)

    def append(self, texts: Sequence[str]) -> None:
        """Add rows, given as words with blanks between."""
        end = self._size + len(texts)
        if end > len(self._lengths):
            self._lengths = resized(self._lengths, (roomier(len(self._lengths), end),))
        for row, text in enumerate(texts, self._size):
            counts = _counted(text)
            self._lengths[row] = counts.total()
            for token, count in counts.items():
                posting = self._postings.get(token)
                if posting is None:
                    self._postings[token] = bytearray(_PAIR(row, count))
                else:
                    posting += _PAIR(row, count)
        self._size = end

    def scores(self, tokens: Sequence[str], known: Mask) -> npt.NDArray[np.float32]:
        """Return the BM25 of each of as many rows as `known` has.

        Words are weighed by the states that are known, so that a state closed since makes no difference whether it is
        among the rows or not.
        """
        n = len(known)
        scores = np.zeros(n, dtype=np.float32)
        count = int(np.count_nonzero(known))
        if count == 0:
            return scores
        norm = K1 * (1 - B + B * self._lengths[:n] / max(float(self._lengths[:n][known].mean()), 1e-9))
        for weight, rows, counts in self._copied(tokens):
            if len(rows) and rows[-1] >= n:
                counts = counts[rows < n]
                rows = rows[rows < n]
            with_it = int(np.count_nonzero(known[rows]))
            idf = math.log(1 + (count - with_it + 0.5) / (with_it + 0.5))
            scores[rows] += (weight * idf * (K1 + 1)) * counts / (counts + norm[rows])
        return scores

    def _copied(self, tokens: Sequence[str]) -> list[tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
        """Return (how often it is asked for, rows, how often each has it) for each word."""
        asked = sorted(Counter(tokens).items())
        with self._lock:
            found = [(weight, bytes(self._postings[token])) for token, weight in asked if token in self._postings]
        pairs = [(weight, np.frombuffer(packed, dtype=np.int32)) for weight, packed in found]
        return [(weight, both[::2], both[1::2]) for weight, both in pairs]


def _counted(text: str) -> Counter[str]:
    """Return how often each word stands in a text of words with blanks between."""
    counts: Counter[str] = Counter()
    start = 0
    while len(text) - start > _AT_ONCE and (end := text.find(" ", start + _AT_ONCE)) > 0:
        counts.update(text[start:end].split())
        start = end
    counts.update(text[start:].split())
    return counts
