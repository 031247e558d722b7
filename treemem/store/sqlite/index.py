"""The in-memory index of one cube: a float32 matrix for cosine, postings for BM25, both exact under any filter.

BM25 is Lucene's: idf = ln(1 + (N - n + 0.5) / (n + 0.5)), k1 = 1.2, b = 0.75 (Robertson and Zaragoza, 2009).
"""

from __future__ import annotations

import math
import sqlite3
import threading
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from treemem.canonical import Vector
from treemem.changes import Entity, NodeKind
from treemem.filters import Bounds
from treemem.store.protocol import WalkedEdge
from treemem.temporal import END

K1, B = 1.2, 0.75
CHUNK = 200
#: How many vectors are compared with the matrix at once.
BLOCK = 64
#: Up to so many numbers are multiplied in one thread.
SMALL = 10_000_000
Mask = npt.NDArray[np.bool_]
#: From the numbers of some states to those of them that pass.
Passing = Callable[[list[int]], Collection[int]]
_COLUMNS = (
    "s.num, s.node, n.id, s.version, s.status, s.memory_type, s.valid_from, s.valid_to, s.recorded_from, "
    "s.recorded_to, s.tokens, s.embedding"
)
_LOAD = f"SELECT {_COLUMNS} FROM state s JOIN node n ON n.num = s.node WHERE s.cube = ? AND "


#: The ends of the edges that were opened or closed after a time.
_CHANGED_EDGES = " UNION ALL ".join(
    f"SELECT e.src, e.dst FROM operation o CROSS JOIN edge e ON e.{by} = o.num "
    "WHERE o.cube = :cube AND o.recorded_at > :clock"
    for by in ("opened_by", "closed_by")
)


@dataclass(frozen=True, slots=True)
class Where:
    """What a hit must be: the first and last valid time, the transaction time, the statuses, a filter's index part."""

    since: int
    until: int
    known_at: int
    statuses: Sequence[str]
    bounds: Bounds = field(default_factory=Bounds)


class Hit(NamedTuple):
    """A state found, with its score and validity in microseconds."""

    memory_id: str
    version: int
    score: float
    valid_from: int
    valid_to: int
    memory_type: str


class Held(NamedTuple):
    """Memories whose states hold, in columns: the numbers of their nodes, ids, versions and memory types."""

    nodes: list[int]
    ids: list[str]
    versions: list[int]
    memory_types: list[str]


class NodeRow(NamedTuple):
    """A node of the graph; `entity` where it is one."""

    kind: NodeKind
    id: str
    entity: Entity | None


class EdgeRow(NamedTuple):
    """An edge of the graph between two nodes, given by number, with its times in microseconds."""

    num: int
    type: str
    src: int
    dst: int
    weight: float
    tiebreak: int
    confidence: float
    valid_from: int
    valid_to: int
    recorded_from: int
    recorded_to: int


class CubeIndex:
    """The states of one cube known at `base` and later. Serves every known_at from `base` to `clock`."""

    def __init__(self, dimension: int, base: int, epoch: int) -> None:
        self.base = self.clock = base
        self.epoch = epoch
        #: Whether it serves one time in the past alone, of which nothing changes any more.
        self.past = False
        self.lock = threading.Lock()
        self._dimension = dimension
        self._size = 0
        self._dead = 0
        self._rows: dict[int, int] = {}
        self._of_node: dict[int, list[int]] = {}
        #: The number of each memory's node.
        self.node_of: dict[str, int] = {}
        #: What walks have read: nodes by number, and edges by number as a walk returns them. They never change.
        self.nodes: dict[int, NodeRow] = {}
        self.walked: dict[int, WalkedEdge] = {}
        self._fans: dict[int, list[EdgeRow]] = {}
        self._ids: list[str] = []
        self._words: dict[str, int] = {}
        self._spelled: list[str] = []
        self._times = np.empty((4, 0), dtype=np.int64)
        self._nums = np.empty(0, dtype=np.int64)
        self._versions = np.empty(0, dtype=np.int64)
        self._codes = np.empty((2, 0), dtype=np.int16)
        self._matrix = np.empty((0, dimension), dtype=np.float32)
        self._lengths = np.empty(0, dtype=np.int32)
        self._postings: dict[str, tuple[array[int], array[int]]] = {}

    @property
    def nbytes(self) -> int:
        """An estimate of the memory held, in bytes."""
        walked = 300 * (len(self.nodes) + len(self.walked)) + 400 * len(self._fans)
        return walked + int(
            self._matrix.nbytes + self._times.nbytes + 360 * len(self._rows) + 300 * len(self._postings)
        )

    @property
    def wasteful(self) -> bool:
        """Whether more than a third of the states are closed by now, so that loading anew pays."""
        return self._dead > 1_000 and self._dead * 3 > self._size

    def refresh(self, conn: sqlite3.Connection, cube: int, clock: int) -> None:
        """Add what was recorded and close what was closed after `self.clock`, up to `clock`."""
        if clock <= self.clock:
            return
        self._append(conn.execute(_LOAD + "s.recorded_from > ?", (cube, self.clock)))
        closed = conn.execute(
            "SELECT num, recorded_to FROM state WHERE cube = ? AND recorded_to > ? AND recorded_to < ?",
            (cube, self.clock, END),
        )
        for num, recorded_to in closed:
            row = self._rows.get(num)
            if row is not None and self._times[3, row] == END:
                self._times[3, row] = recorded_to
                self._dead += 1
        if self._fans:
            for ends in conn.execute(_CHANGED_EDGES, {"cube": cube, "clock": self.clock}):
                for node in ends:
                    self._fans.pop(node, None)
        self.clock = clock

    def fans(self, nodes: Iterable[int]) -> dict[int, list[EdgeRow]]:
        """Return every edge that nodes ever had, strongest first, of those that were read and are up to date."""
        known = self._fans
        return {node: known[node] for node in nodes if node in known}

    def keep_fans(self, fans: Mapping[int, list[EdgeRow]], clock: int) -> None:
        """Keep what a reader whose transaction saw `clock` read, unless others know more by now."""
        with self.lock:
            if clock == self.clock or self.past:
                self._fans.update(fans)

    def load(self, conn: sqlite3.Connection, cube: int, known_at: int) -> None:
        """Load the states known at `known_at`."""
        self._append(conn.execute(_LOAD + "s.recorded_from <= ? AND s.recorded_to > ?", (cube, known_at, known_at)))

    def _append(self, cursor: sqlite3.Cursor) -> None:
        while batch := cursor.fetchmany(2_048):
            self._grow(len(batch))
            start, end = self._size, self._size + len(batch)
            nums, nodes, ids, versions, statuses, types, *times, tokens, vectors = zip(*batch, strict=True)
            self._nums[start:end] = nums
            self._versions[start:end] = versions
            self._codes[0, start:end] = [self._code(s) for s in statuses]
            self._codes[1, start:end] = [self._code(t) for t in types]
            for i, column in enumerate(times):
                self._times[i, start:end] = column
            self._matrix[start:end] = np.frombuffer(b"".join(vectors), dtype="<f4").reshape(-1, self._dimension)
            self._ids.extend(ids)
            self._rows.update(zip(nums, range(start, end), strict=True))
            self.node_of.update(zip(ids, nodes, strict=True))
            for row, node in enumerate(nodes, start):
                self._of_node.setdefault(node, []).append(row)
            for row, text in enumerate(tokens, start):
                self._post(row, text)
            self._size = end

    def _grow(self, extra: int) -> None:
        need = self._size + extra
        if need <= len(self._nums):
            return
        room = max(need, 1_024, len(self._nums) * 3 // 2)
        self._times = _resized(self._times, (4, room))
        self._nums = _resized(self._nums, (room,))
        self._versions = _resized(self._versions, (room,))
        self._codes = _resized(self._codes, (2, room))
        self._matrix = _resized(self._matrix, (room, self._dimension))
        self._lengths = _resized(self._lengths, (room,))

    def _code(self, word: str) -> int:
        code = self._words.setdefault(word, len(self._words))
        if code == len(self._spelled):
            self._spelled.append(word)
        return code

    def _post(self, row: int, text: str) -> None:
        counts = Counter(text.split())
        self._lengths[row] = counts.total()
        for token, count in counts.items():
            posting = self._postings.get(token)
            if posting is None:
                posting = self._postings[token] = (array("i"), array("i"))
            posting[0].append(row)
            posting[1].append(count)

    def mask(self, where: Where) -> Mask:
        """Return which rows hold at the moment and have the status and type asked for."""
        n = self._size
        k = where.known_at
        valid_from, valid_to, recorded_from, recorded_to = self._times[:, :n]
        keep = (valid_from <= where.until) & (valid_to > where.since) & (recorded_from <= k) & (recorded_to > k)
        bounds = where.bounds
        if bounds.valid_from is not None:
            keep &= valid_from >= bounds.valid_from
        for column, allowed in ((0, where.statuses), (0, bounds.statuses), (1, bounds.memory_types)):
            if allowed is not None:
                table = np.array([word in allowed for word in self._spelled] or [False])
                keep &= table[self._codes[column, :n]]
        result: Mask = keep
        return result

    def held(self, nodes: Iterable[int], keep: Mask, passing: Passing | None = None) -> Held:
        """Return which memories, given by the numbers of their nodes, have a state that is kept, and passes.

        Of several kept states of a memory it is the one that began last.
        """
        kept, n = keep.tobytes(), len(keep)  # a byte is read faster than a numpy scalar
        found: dict[int, int] = {}
        for node in nodes:
            rows = self._of_node.get(node, ())
            if len(rows) > 1:
                rows = [row for row in rows if row < n and kept[row]]
                rows = [max(rows, key=lambda r: int(self._times[0, r]))] if rows else []
            if rows and rows[0] < n and kept[rows[0]]:
                found[node] = rows[0]
        if passing is not None:
            nums = dict(zip(found, self._nums[list(found.values())].tolist(), strict=True)) if found else {}
            passed = passing(list(nums.values()))
            found = {node: row for node, row in found.items() if nums[node] in passed}
        best = np.array(list(found.values()), dtype=np.intp)
        return Held(
            list(found),
            [self._ids[row] for row in found.values()],
            self._versions[best].tolist(),
            [self._spelled[code] for code in self._codes[1, best].tolist()],
        )

    def is_memory(self, node: int) -> bool:
        """Return whether a node, given by number, is a memory of which a state is known."""
        return node in self._of_node

    def nearest(self, vector: Vector, keep: Mask, limit: int, passing: Passing | None = None) -> list[Hit]:
        """Return the `limit` rows with the highest cosine, best first.

        `passing` tells which of some states, given by number, pass a filter that the index cannot test.
        """
        scores = _products(self._matrix[: len(keep)], vector)
        return self._best(scores, np.flatnonzero(keep), limit, passing)

    def nearest_to_each(self, vectors: Sequence[Vector], keep: Mask, limit: int) -> list[list[Hit]]:
        """Return what `nearest` does for each of some vectors; many at once cost a tenth of each on its own."""
        found = []
        rows = np.flatnonzero(keep)
        for start in range(0, len(vectors), BLOCK):
            block = np.asarray(vectors[start : start + BLOCK], dtype=np.float32)
            found += [self._best(scores, rows, limit, None) for scores in block @ self._matrix[: len(keep)].T]
        return found

    def matching(
        self, tokens: Sequence[str], keep: Mask, known_at: int, limit: int, passing: Passing | None = None
    ) -> list[Hit]:
        """Return the `limit` rows with the highest BM25 above 0, best first.

        Words are weighed by the states known at `known_at`, so that a state closed since makes no difference whether
        the index has it or not.
        """
        n = len(keep)
        known = (self._times[2, :n] <= known_at) & (self._times[3, :n] > known_at)
        count = int(np.count_nonzero(known))
        if count == 0:
            return []
        scores = np.zeros(n, dtype=np.float32)
        norm = K1 * (1 - B + B * self._lengths[:n] / max(float(self._lengths[:n][known].mean()), 1e-9))
        for weight, rows, counts in self._copied(tokens):
            if len(rows) and rows[-1] >= n:
                counts = counts[rows < n]
                rows = rows[rows < n]
            with_it = int(np.count_nonzero(known[rows]))
            idf = math.log(1 + (count - with_it + 0.5) / (with_it + 0.5))
            scores[rows] += (weight * idf * (K1 + 1)) * counts / (counts + norm[rows])
        return self._best(scores, np.flatnonzero(keep & (scores > 0)), limit, passing)

    def _copied(self, tokens: Sequence[str]) -> list[tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32]]]:
        """Return (query count, rows, term counts) per token; copied under the lock, since postings grow."""
        with self.lock:
            return [
                (weight, np.array(self._postings[token][0]), np.array(self._postings[token][1]))
                for token, weight in sorted(Counter(tokens).items())
                if token in self._postings
            ]

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
        found = [
            Hit(self._ids[r], version, score, valid_from, valid_to, self._spelled[kind])
            for r, version, score, valid_from, valid_to, kind in zip(
                rows.tolist(),
                self._versions[rows].tolist(),
                scores[rows].tolist(),
                *self._times[:2, rows].tolist(),
                self._codes[1, rows].tolist(),
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
            passed = passing([int(num) for num in self._nums[some]])
            found.append(some[np.fromiter((int(num) in passed for num in self._nums[some]), bool, len(some))])
            start, size = end, size * 4
        return np.concatenate(found) if found else rows[:0]


def _products(matrix: npt.NDArray[np.float32], vector: Vector) -> npt.NDArray[np.float32]:
    """Return the product of each row and the vector.

    A small product is done before the second thread of a BLAS would wake on a busy machine, which it waits for.
    """
    if matrix.size > SMALL:
        return matrix @ vector
    products: npt.NDArray[np.float32] = np.vecdot(matrix, vector)
    return products


def _resized(old: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    new = np.empty(shape, dtype=old.dtype)
    if old.ndim == 2 and old.shape[1] != shape[1]:
        new[:, : old.shape[1]] = old
    else:
        new[: old.shape[0]] = old
    return new
