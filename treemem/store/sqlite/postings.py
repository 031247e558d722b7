"""The words of a cube's states, each with the entries that have it, for BM25.

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

from treemem.store.protocol import PASSAGE_TEXT
from treemem.store.sqlite.masks import Mask, resized, roomier

K1, B = 1.2, 0.75
#: Characters of a text counted in one call, which lets no other thread run.
_AT_ONCE = 65_536
_PAIR = struct.Struct("=ii").pack


class Postings:
    """For each word the entries that have it and how often; for each entry how many words it has.

    A row has an entry for its whole text and one for each passage of a long one.
    """

    def __init__(self, lock: threading.Lock) -> None:
        """`lock` is held by whoever adds rows; postings are copied under it, since they grow."""
        self._lock = lock
        self._rows = 0
        self._size = 0
        self._lengths = np.empty(0, dtype=np.int32)
        #: The row of each entry; an entry of a row that is not its first is that of a passage.
        self._row_of = np.empty(0, dtype=np.int32)
        #: Pairs of (entry, how often), packed; the garbage collector does not look at bytes, and there are many words.
        self._postings: dict[str, bytearray] = {}

    @property
    def nbytes(self) -> int:
        """An estimate of the memory held, in bytes."""
        return 300 * len(self._postings)

    def append(self, texts: Sequence[str]) -> None:
        """Add rows, given as words with blanks between: a line for the text, one for each passage."""
        lines = [line for text in texts for line in text.split("\n")]
        end = self._size + len(lines)
        if end > len(self._lengths):
            room = (roomier(len(self._lengths), end),)
            self._lengths, self._row_of = resized(self._lengths, room), resized(self._row_of, room)
        counted = (1 + text.count("\n") for text in texts)
        self._row_of[self._size : end] = np.repeat(
            np.arange(self._rows, self._rows + len(texts), dtype=np.int32), np.fromiter(counted, np.int64, len(texts))
        )
        for entry, line in enumerate(lines, self._size):
            counts = _counted(line)
            self._lengths[entry] = counts.total()
            for token, count in counts.items():
                posting = self._postings.get(token)
                if posting is None:
                    self._postings[token] = bytearray(_PAIR(entry, count))
                else:
                    posting += _PAIR(entry, count)
        self._size = end  # before the rows: a reader in between must not take entries for rows
        self._rows += len(texts)

    def scores(self, tokens: Sequence[str], known: Mask) -> npt.NDArray[np.float32]:
        """Return the BM25 of each of as many rows as `known` has: that of its best passage times `PASSAGE_TEXT`, where
        that is more.

        Words are weighed by the states that are known, so that a state closed since makes no difference whether it is
        among the rows or not.
        """
        n = len(known)
        row_of = self._row_of[: self._size]
        entries = int(np.searchsorted(row_of, n)) if self._size > self._rows else n
        if entries == n:
            return self._of_entries(tokens, known)
        row_of = row_of[:entries]
        scores = self._of_entries(tokens, known[row_of])
        wholes = np.flatnonzero(np.diff(row_of, prepend=-1))
        found: npt.NDArray[np.float32] = scores[wholes]
        np.maximum.at(found, row_of, scores * np.float32(PASSAGE_TEXT))
        return found

    def _of_entries(self, tokens: Sequence[str], known: Mask) -> npt.NDArray[np.float32]:
        """Return the BM25 of each of as many entries as `known` has."""
        n = len(known)
        scores = np.zeros(n, dtype=np.float32)
        count = int(np.count_nonzero(known))
        if count == 0:
            return scores
        norm = K1 * (1 - B + B * self._lengths[:n] / max(float(self._lengths[:n][known].mean()), 1e-9))
        for weight, having, counts in self._copied(tokens):
            if len(having) and having[-1] >= n:
                counts = counts[having < n]
                having = having[having < n]
            with_it = int(np.count_nonzero(known[having]))
            idf = math.log(1 + (count - with_it + 0.5) / (with_it + 0.5))
            scores[having] += (weight * idf * (K1 + 1)) * counts / (counts + norm[having])
        return scores

    def _copied(self, tokens: Sequence[str]) -> list[tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
        """Return (how often it is asked for, entries, how often each has it) for each word."""
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
