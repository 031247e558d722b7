"""The indexes of the cubes used last."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from itertools import islice

from treemem.store.sqlite.index import CubeIndex

#: How many of the indexes used last are measured at each use, since they grow while they are used.
MEASURED = 8


class IndexCache:
    """The indexes of the cubes used last, under a budget of bytes. A use costs the same whatever their number."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._lock = threading.Lock()
        #: By the cube's number and the one time in the past that an index serves, None for the present. Last used last.
        self._indexes: OrderedDict[tuple[int, int | None], CubeIndex] = OrderedDict()
        self._sizes: dict[tuple[int, int | None], int] = {}
        self._total = 0

    def get(
        self, conn: sqlite3.Connection, cube: int, clock: int, epoch: int, dimension: int, known_at: int
    ) -> CubeIndex:
        """Return an index that serves `known_at`; call inside the read transaction that saw `clock`."""
        index = self._kept(cube, None, epoch, dimension)
        with index.lock:
            if index.base < 0:
                index.load(conn, cube, clock)
                index.base = index.clock = clock
            elif index.clock < clock:
                index.refresh(conn, cube, clock)
        if known_at < index.base:
            index = self._past(conn, cube, epoch, dimension, known_at)
        self._shrink()
        return index

    def _kept(self, cube: int, known_at: int | None, epoch: int, dimension: int) -> CubeIndex:
        """Return the index of a cube, or of one time in its past; a new and empty one where the old is of no use."""
        with self._lock:
            index = self._indexes.get((cube, known_at))
            if index is None or index.epoch != epoch or index.wasteful:
                index = self._indexes[cube, known_at] = CubeIndex(dimension, -1, epoch)
            self._indexes.move_to_end((cube, known_at))
        return index

    def _past(self, conn: sqlite3.Connection, cube: int, epoch: int, dimension: int, known_at: int) -> CubeIndex:
        index = self._kept(cube, known_at, epoch, dimension)
        with index.lock:
            if index.base < 0:
                index.load(conn, cube, known_at)
                index.base = index.clock = known_at
                index.past = True
        return index

    def _shrink(self) -> None:
        with self._lock:
            for key in islice(reversed(self._indexes), MEASURED):
                size = self._indexes[key].nbytes
                self._total += size - self._sizes.get(key, 0)
                self._sizes[key] = size
            while len(self._indexes) > 1 and self._total > self._budget:
                key, _ = self._indexes.popitem(last=False)
                self._total -= self._sizes.pop(key, 0)
