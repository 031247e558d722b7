"""The vectors of a cube's states, for cosines: vectors have unit norm, so a product is a cosine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from treemem.canonical import Vector, Vectors
from treemem.store.protocol import PASSAGE
from treemem.store.sqlite.masks import resized, roomier

#: How many vectors are compared with the matrix at once.
BLOCK = 64
#: Up to so many numbers are multiplied in one thread; see docs/architecture.md, "Reading", for what was measured.
SMALL = 10_000_000


class StateVectors:
    """A matrix of float32, shape (rows, dimension), and one of the passages of long texts, each with its text's row."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._texts = _Matrix(dimension)
        self._passages = _Matrix(dimension)
        self._rows = np.empty(0, dtype=np.int64)

    @property
    def nbytes(self) -> int:
        """The memory held, in bytes."""
        return self._texts.nbytes + self._passages.nbytes

    def append(self, vectors: Sequence[bytes], passages: Sequence[int]) -> None:
        """Add rows, given as little-endian float32: each the vector of a text, and of as many passages as are told."""
        given = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, self._dimension)
        if len(given) > len(vectors):
            counts = np.asarray(passages)
            texts = np.arange(len(vectors)) + np.cumsum(counts) - counts
            rows = np.repeat(np.arange(self._texts.size, self._texts.size + len(vectors)), counts)
            start, end = self._passages.size, self._passages.size + len(rows)
            if end > len(self._rows):
                self._rows = resized(self._rows, (roomier(len(self._rows), end),))
            self._rows[start:end] = rows
            self._passages.append(np.delete(given, texts, axis=0))
            given = given[texts]
        self._texts.append(given)

    def cosines(self, vector: Vector, n: int) -> npt.NDArray[np.float32]:
        """Return the cosine of a vector with each of the first `n` rows, that with the nearest passage less `PASSAGE`
        where that is more.
        """
        found = self._texts.cosines(vector, n)
        size = self._passages.size
        if size:
            rows = self._rows[:size]
            there = int(np.searchsorted(rows, n))
            np.maximum.at(found, rows[:there], self._passages.cosines(vector, there) - PASSAGE)
        return found

    def cosines_of_each(self, vectors: Sequence[Vector], n: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield the cosines of each of some vectors with the first `n` texts; many at once cost a tenth of it each."""
        for start in range(0, len(vectors), BLOCK):
            block = np.asarray(vectors[start : start + BLOCK], dtype=np.float32)
            yield from block @ self._texts.first(n).T


class _Matrix:
    """Vectors, one a row; rows are only added, so that others may read those they know of meanwhile."""

    def __init__(self, dimension: int) -> None:
        self.size = 0
        self._array = np.empty((0, dimension), dtype=np.float32)

    @property
    def nbytes(self) -> int:
        return int(self._array.nbytes)

    def append(self, vectors: Vectors) -> None:
        start, end = self.size, self.size + len(vectors)
        if end > len(self._array):
            self._array = resized(self._array, (roomier(len(self._array), end), self._array.shape[1]))
        self._array[start:end] = vectors
        self.size = end

    def cosines(self, vector: Vector, n: int) -> npt.NDArray[np.float32]:
        """Return the cosine of a vector with each of the first `n` rows.

        A small product is done before the second thread of a BLAS would wake on a busy machine, which it waits for.
        """
        matrix = self.first(n)
        if matrix.size > SMALL:
            return matrix @ vector
        products: npt.NDArray[np.float32] = np.vecdot(matrix, vector)
        return products

    def first(self, n: int) -> Vectors:
        """Return the first `n` rows."""
        return self._array[:n]
