"""The vectors of a cube's states as one matrix, for cosines: vectors have unit norm, so a product is a cosine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from treemem.canonical import Vector
from treemem.store.sqlite.masks import resized, roomier

#: How many vectors are compared with the matrix at once.
BLOCK = 64
#: Up to so many numbers are multiplied in one thread; see docs/architecture.md, "Reading", for what was measured.
SMALL = 10_000_000


class Vectors:
    """A matrix of float32, shape (rows, dimension)."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._size = 0
        self._matrix = np.empty((0, dimension), dtype=np.float32)

    @property
    def nbytes(self) -> int:
        """The memory held, in bytes."""
        return int(self._matrix.nbytes)

    def append(self, vectors: Sequence[bytes]) -> None:
        """Add rows, given as little-endian float32."""
        start, end = self._size, self._size + len(vectors)
        if end > len(self._matrix):
            self._matrix = resized(self._matrix, (roomier(len(self._matrix), end), self._dimension))
        self._matrix[start:end] = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, self._dimension)
        self._size = end

    def cosines(self, vector: Vector, n: int) -> npt.NDArray[np.float32]:
        """Return the cosine of a vector with each of the first `n` rows.

        A small product is done before the second thread of a BLAS would wake on a busy machine, which it waits for.
        """
        matrix = self._matrix[:n]
        if matrix.size > SMALL:
            return matrix @ vector
        products: npt.NDArray[np.float32] = np.vecdot(matrix, vector)
        return products

    def cosines_of_each(self, vectors: Sequence[Vector], n: int) -> Iterator[npt.NDArray[np.float32]]:
        """Yield what `cosines` returns for each of some vectors; many at once cost a tenth of each on its own."""
        for start in range(0, len(vectors), BLOCK):
            block = np.asarray(vectors[start : start + BLOCK], dtype=np.float32)
            yield from block @ self._matrix[:n].T
