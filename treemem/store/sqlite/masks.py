"""The states of a cube in columns, one row each, and which rows hold at a moment.

Rows are only added; of a row nothing changes but its last time, when the state is closed. Others may read meanwhile:
what they see has as many rows as `size` told them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from treemem.filters import Bounds
from treemem.temporal import END

#: One truth value for each row.
Mask = npt.NDArray[np.bool_]
#: From the numbers of some states to those of them that pass.
Passing = Callable[[list[int]], Collection[int]]
#: What columns have room for at first, in rows.
_ROOM = 1_024


@dataclass(frozen=True, slots=True)
class Where:
    """What a hit must be: the first and last valid time, the transaction time, the statuses, a filter's index part."""

    since: int
    until: int
    known_at: int
    statuses: Sequence[str]
    bounds: Bounds = field(default_factory=Bounds)


class Held(NamedTuple):
    """Memories whose states hold, in columns: the numbers of their nodes, ids, versions and memory types."""

    nodes: list[int]
    ids: list[str]
    versions: list[int]
    memory_types: list[str]


class States:
    """The columns. Statuses and memory types are kept as numbers of words, times in microseconds."""

    def __init__(self) -> None:
        self.size = 0
        #: How many rows were closed since they were added.
        self.closed = 0
        self.ids: list[str] = []
        #: The number of each memory's node.
        self.node_of: dict[str, int] = {}
        self._rows: dict[int, int] = {}
        self._of_node: dict[int, list[int]] = {}
        self._words: dict[str, int] = {}
        self._spelled: list[str] = []
        self.nums = np.empty(0, dtype=np.int64)
        self.versions = np.empty(0, dtype=np.int64)
        #: valid_from, valid_to, recorded_from, recorded_to; shape (4, rows).
        self.times = np.empty((4, 0), dtype=np.int64)
        #: Status and memory type; shape (2, rows).
        self._codes = np.empty((2, 0), dtype=np.int16)

    @property
    def nbytes(self) -> int:
        """An estimate of the memory held, in bytes."""
        return int(self.times.nbytes) + 360 * len(self._rows)

    def append(self, columns: Sequence[Sequence[Any]]) -> None:
        """Add rows, given as columns: num, node, id, version, status, memory type and the four times."""
        nums, nodes, ids, versions, statuses, types, *times = columns
        start, end = self.size, self.size + len(nums)
        if end > len(self.nums):
            room = roomier(len(self.nums), end)
            self.times, self._codes = resized(self.times, (4, room)), resized(self._codes, (2, room))
            self.nums, self.versions = resized(self.nums, (room,)), resized(self.versions, (room,))
        self.nums[start:end] = nums
        self.versions[start:end] = versions
        self._codes[0, start:end] = [self._code(s) for s in statuses]
        self._codes[1, start:end] = [self._code(t) for t in types]
        for i, column in enumerate(times):
            self.times[i, start:end] = column
        self.ids.extend(ids)
        self._rows.update(zip(nums, range(start, end), strict=True))
        self.node_of.update(zip(ids, nodes, strict=True))
        for row, node in enumerate(nodes, start):
            self._of_node.setdefault(node, []).append(row)
        self.size = end  # last, since others read as many rows as it says

    def _code(self, word: str) -> int:
        code = self._words.setdefault(word, len(self._words))
        if code == len(self._spelled):
            self._spelled.append(word)
        return code

    def close(self, num: int, recorded_to: int) -> None:
        """Note when a state, given by number, was closed; nothing if it is not here."""
        row = self._rows.get(num)
        if row is not None and self.times[3, row] == END:
            self.times[3, row] = recorded_to
            self.closed += 1

    def mask(self, where: Where) -> Mask:
        """Return which rows hold at the moment and have the status and type asked for."""
        n = self.size
        k = where.known_at
        valid_from, valid_to, recorded_from, recorded_to = self.times[:, :n]
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

    def known(self, known_at: int, n: int) -> Mask:
        """Return which of the first `n` rows were known at a transaction time, whatever else they say."""
        result: Mask = (self.times[2, :n] <= known_at) & (self.times[3, :n] > known_at)
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
                rows = [max(rows, key=lambda r: int(self.times[0, r]))] if rows else []
            if rows and rows[0] < n and kept[rows[0]]:
                found[node] = rows[0]
        if passing is not None:
            nums = dict(zip(found, self.nums[list(found.values())].tolist(), strict=True)) if found else {}
            passed = passing(list(nums.values()))
            found = {node: row for node, row in found.items() if nums[node] in passed}
        best = np.array(list(found.values()), dtype=np.intp)
        return Held(
            list(found), [self.ids[row] for row in found.values()], self.versions[best].tolist(), self.types(best)
        )

    def types(self, rows: npt.NDArray[np.intp]) -> list[str]:
        """Return the memory types of some rows."""
        return [self._spelled[code] for code in self._codes[1, rows].tolist()]

    def is_memory(self, node: int) -> bool:
        """Return whether a node, given by number, is a memory of which a state is known."""
        return node in self._of_node


def roomier(room: int, need: int) -> int:
    """Return how many rows to make room for where `room` are there and `need` are needed: half as many more."""
    return max(need, _ROOM, room * 3 // 2)


def resized(old: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Return a larger array that begins as the old one; what is new of it is undefined."""
    new = np.empty(shape, dtype=old.dtype)
    if old.ndim == 2 and old.shape[1] != shape[1]:
        new[:, : old.shape[1]] = old
    else:
        new[: old.shape[0]] = old
    return new
