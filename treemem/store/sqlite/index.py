"""The index in memory of one cube: it finds the best states by cosine and by BM25, both exactly under any filter.

It is made of states in columns (masks.py), a matrix of vectors (vectors.py), words (postings.py), and what walks have
read of the graph (graph.py). A row has the same number in the first three.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from treemem.canonical import Vector
from treemem.store.sqlite.graph import EdgeRow, Graph
from treemem.store.sqlite.masks import Mask, Passing, States
from treemem.store.sqlite.postings import Postings
from treemem.store.sqlite.statements import statement
from treemem.store.sqlite.vectors import StateVectors
from treemem.temporal import END

#: How many of the best rows are tested at first, where a filter is that the index cannot test.
CHUNK = 200
#: How many rows are read from the database at once.
_READ = 2_048


class Hit(NamedTuple):
    """A state found, with its score and validity in microseconds."""

    memory_id: str
    version: int
    score: float
    valid_from: int
    valid_to: int
    memory_type: str


class CubeIndex:
    """The states of one cube known at `base` and later. Serves every known_at from `base` to `clock`."""

    def __init__(self, dimension: int, base: int, epoch: int) -> None:
        self.base = self.clock = base
        self.epoch = epoch
        #: Whether it serves one time in the past alone, of which nothing changes any more.
        self.past = False
        self.lock = threading.Lock()
        self.states = States()
        self.graph = Graph()
        self._vectors = StateVectors(dimension)
        self._postings = Postings(self.lock)

    @property
    def nbytes(self) -> int:
        """An estimate of the memory held, in bytes."""
        return self.graph.nbytes + self._vectors.nbytes + self.states.nbytes + self._postings.nbytes

    @property
    def wasteful(self) -> bool:
        """Whether more than a third of the states are closed by now, so that loading anew pays."""
        return self.states.closed > 1_000 and self.states.closed * 3 > self.states.size

    def load(self, conn: sqlite3.Connection, cube: int, known_at: int) -> None:
        """Load the states known at `known_at`."""
        self._append(conn.execute(statement("states_known"), {"cube": cube, "known_at": known_at}))

    def refresh(self, conn: sqlite3.Connection, cube: int, clock: int) -> None:
        """Add what was recorded and close what was closed after `self.clock`, up to `clock`."""
        if clock <= self.clock:
            return
        since = {"cube": cube, "clock": self.clock}
        self._append(conn.execute(statement("states_since"), since))
        for num, recorded_to in conn.execute(statement("closed_since"), {**since, "end": END}):
            self.states.close(num, recorded_to)
        if self.graph.has_fans:
            for ends in conn.execute(statement("edges_since"), since):
                self.graph.forget(ends)
        self.clock = clock

    def _append(self, cursor: sqlite3.Cursor) -> None:
        while batch := cursor.fetchmany(_READ):
            *columns, tokens, passages, vectors = zip(*batch, strict=True)
            self._vectors.append(vectors, passages)
            self._postings.append(tokens)
            self.states.append(columns)  # last: from then on others see the rows

    def keep_fans(self, fans: Mapping[int, list[EdgeRow]], clock: int) -> None:
        """Keep what a reader whose transaction saw `clock` read, unless others know more by now."""
        with self.lock:
            if clock == self.clock or self.past:
                self.graph.keep(fans)

    def nearest(self, vector: Vector, keep: Mask, limit: int, passing: Passing | None = None) -> list[Hit]:
        """Return the `limit` rows with the highest cosine, of their text or of a passage, best first.

        `passing` tells which of some states, given by number, pass a filter that the index cannot test.
        """
        return self._best(self._vectors.cosines(vector, len(keep)), np.flatnonzero(keep), limit, passing)

    def nearest_to_each(self, vectors: Sequence[Vector], keep: Mask, limit: int) -> list[list[Hit]]:
        """Return the `limit` rows whose texts have the highest cosine with each of some vectors, best first."""
        rows = np.flatnonzero(keep)
        return [self._best(cosines, rows, limit, None) for cosines in self._vectors.cosines_of_each(vectors, len(keep))]

    def matching(
        self, tokens: Sequence[str], keep: Mask, known_at: int, limit: int, passing: Passing | None = None
    ) -> list[Hit]:
        """Return the `limit` rows with the highest BM25 above 0, best first; words weigh as at `known_at`."""
        scores = self._postings.scores(tokens, self.states.known(known_at, len(keep)))
        return self._best(scores, np.flatnonzero(keep & (scores > 0)), limit, passing)

    def _best(
        self, scores: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], limit: int, passing: Passing | None
    ) -> list[Hit]:
        if limit <= 0 or len(rows) == 0:
            return []
        if passing is None:
            kept = scores[rows]
            if len(rows) > limit:
                rows = rows[kept >= np.partition(kept, len(rows) - limit)[len(rows) - limit]]
        else:
            rows = self._first_passing(scores, rows, limit, passing)
        states = self.states
        found = [
            Hit(states.ids[r], version, score, valid_from, valid_to, kind)
            for r, version, score, valid_from, valid_to, kind in zip(
                rows.tolist(),
                states.versions[rows].tolist(),
                scores[rows].tolist(),
                *states.times[:2, rows].tolist(),
                states.types(rows),
                strict=True,
            )
        ]
        found.sort(key=lambda hit: (-hit.score, hit.memory_id, hit.version))
        return found[:limit]

    def _first_passing(
        self, scores: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], limit: int, passing: Passing
    ) -> npt.NDArray[np.int64]:
        """Return at least `limit` rows that pass, if there are so many: the best are tried first, ever more at once."""
        rows = rows[np.argsort(-scores[rows], kind="stable")]
        found: list[npt.NDArray[np.int64]] = []
        start, size = 0, CHUNK
        while start < len(rows) and sum(map(len, found)) < limit:
            end = min(start + size, len(rows))
            while end < len(rows) and scores[rows[end]] == scores[rows[end - 1]]:
                end += 1
            some = rows[start:end]
            passed = passing([int(num) for num in self.states.nums[some]])
            found.append(some[np.fromiter((int(num) in passed for num in self.states.nums[some]), bool, len(some))])
            start, size = end, size * 4
        return np.concatenate(found) if found else rows[:0]
