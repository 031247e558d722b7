"""Random sequences of verbs against a naive model: one cell a day instead of intervals."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube, plain_history
from treemem import (
    InvalidInputError,
    MemoryExistsError,
    MemoryNotFoundError,
    TreememError,
    TreeTextMemory,
    UndoRefusedError,
)
from treemem.temporal import from_micros

DAYS = 6
IDS = ("a", "b", "c")
TEXTS = ("Anna sings", "Ben sings", "it rains in Lisbon")
Verb = tuple[Any, ...]

days = st.integers(0, DAYS - 1)
ids = st.sampled_from(IDS)
verbs = st.one_of(
    st.tuples(st.just("add"), ids, st.sampled_from(TEXTS), days, st.one_of(st.none(), days)),
    st.tuples(st.just("update"), ids, st.sampled_from(TEXTS), days),
    st.tuples(st.just("correct"), ids, st.sampled_from(TEXTS), days),
    st.tuples(st.just("expire"), ids, days),
    st.tuples(st.just("delete"), ids),
    st.tuples(st.just("restore"), ids),
    st.tuples(st.just("link"), ids, ids, days, st.one_of(st.none(), days)),
    st.tuples(st.just("unlink"), ids, ids, days),
    st.tuples(st.just("undo"), st.integers(0, 9)),
)
sequences = st.lists(verbs, min_size=1, max_size=12)


class Model:
    """For each memory and edge one cell per day (the last one stands for all days after), holding a piece number."""

    def __init__(self) -> None:
        self.cells: dict[Any, list[int]] = {}
        self.values: dict[int, Any] = {}
        self.beliefs: list[dict[Any, list[Any]]] = []
        self.changes: list[dict[Any, tuple[list[int], list[int]]]] = []
        self._piece = 0

    def _new(self, value: Any) -> int:
        self._piece += 1
        self.values[self._piece] = value
        return self._piece

    def pieces(self, key: Any) -> list[tuple[int, int, int]]:
        """(piece, first day, day after the last) in order; DAYS stands for open."""
        found: list[tuple[int, int, int]] = []
        for n, piece in enumerate(self.cells.get(key, [])):
            if piece and found and found[-1][0] == piece:
                found[-1] = (piece, found[-1][1], n + 1)
            elif piece:
                found.append((piece, n, n + 1))
        return found

    def put(self, key: Any, first: int, end: int, value: Any) -> None:
        """Assert on days [first, end); what sticks out of an overlapped piece becomes new pieces."""
        row = self.cells.setdefault(key, [0] * DAYS)
        same = [p for p, a, b in self.pieces(key) if a <= first and end <= b and self.values[p] == value]
        if value is not None and same:
            return
        for piece, a, b in self.pieces(key):
            if a < end and first < b:
                for lo, hi in ((a, min(b, first)), (max(a, end), b)):
                    if lo < hi:
                        left = self._new(self.values[piece])
                        row[lo:hi] = [left] * (hi - lo)
        new = 0 if value is None else self._new(value)
        row[first:end] = [new] * (end - first)

    def commit(self, before: dict[Any, list[int]]) -> None:
        self.beliefs.append({k: [self.values.get(p) for p in row] for k, row in self.cells.items()})
        self.changes.append(
            {
                k: (sorted(set(row) - set(before.get(k, [])) - {0}), sorted(set(before.get(k, [])) - set(row) - {0}))
                for k, row in self.cells.items()
            }
        )

    def extent(self, piece: int, rows: dict[Any, list[int]], key: Any) -> tuple[int, int]:
        where = [n for n, p in enumerate(rows[key]) if p == piece]
        return where[0], where[-1] + 1


class Pair:
    """The real memory and the model, driven by the same verbs."""

    def __init__(self, memory: TreeTextMemory) -> None:
        self.memory = memory
        self.model = Model()
        self.snapshots: list[dict[Any, list[int]]] = [{}]
        self.times: list[Any] = []
        self.origins: dict[str, set[Any]] = {}

    def run(self, verb: Verb) -> None:
        before = {k: list(row) for k, row in self.model.cells.items()}
        expected = getattr(self, f"_model_{verb[0]}")(*verb[1:])
        operation = f"op-{len(self.times)}"
        if expected is None:
            getattr(self, f"_real_{verb[0]}")(operation, *verb[1:])
            self.times.append(self.memory.store.operations(self.memory.cube_id, ids=[operation])[0].recorded_at)
            self.model.commit(before)
            self.snapshots.append({k: list(row) for k, row in self.model.cells.items()})
        else:
            with pytest.raises(expected):
                getattr(self, f"_real_{verb[0]}")(operation, *verb[1:])
            self.model.cells = before

    # what the model expects: None, or the error

    def _model_add(self, i: str, text: str, first: int, end: int | None) -> type[TreememError] | None:
        if end is not None and end <= first:
            return InvalidInputError
        known = self.model.pieces(i)
        if known:
            until = DAYS if end is None else end
            there = any(self.model.values[p][1] != "deleted" and b >= until for p, _, b in known)
            there = there and min(a for _, a, _ in known) <= first
            return None if there and (text, first) in self.origins.get(i, set()) else MemoryExistsError
        self.model.put(i, first, DAYS if end is None else end, (text, "activated"))
        self.origins.setdefault(i, set()).add((text, first))
        return None

    def _model_update(self, i: str, text: str, at: int) -> type[TreememError] | None:
        known = self.model.pieces(i)
        if not known or all(self.model.values[p][1] == "deleted" for p, _, _ in known):
            return MemoryNotFoundError
        base = [p for p, a, _ in known if a <= at][-1:] or [known[0][0]]
        end = min((a for _, a, _ in known if a > at), default=DAYS)
        self.model.put(i, at, end, (text, self.model.values[base[0]][1]))
        return None

    def _model_correct(self, i: str, text: str, at: int) -> type[TreememError] | None:
        known = self.model.pieces(i)
        held = [(p, a, b) for p, a, b in known if a <= at < b]
        if not held or all(self.model.values[p][1] == "deleted" for p, _, _ in known):
            return MemoryNotFoundError
        piece, first, end = held[0]
        self.model.put(i, first, end, (text, self.model.values[piece][1]))
        return None

    def _model_expire(self, i: str, at: int) -> type[TreememError] | None:
        known = self.model.pieces(i)
        if not known or all(self.model.values[p][1] == "deleted" for p, _, _ in known):
            return MemoryNotFoundError
        if known[0][1] >= at:
            return InvalidInputError
        self.model.put(i, at, DAYS, None)
        return None

    def _model_delete(self, i: str) -> type[TreememError] | None:
        known = self.model.pieces(i)
        if not known or all(self.model.values[p][1] == "deleted" for p, _, _ in known):
            return MemoryNotFoundError
        self._restatus(i, "deleted")
        return None

    def _model_restore(self, i: str) -> type[TreememError] | None:
        if not self.model.pieces(i):
            return MemoryNotFoundError
        self._restatus(i, "activated")
        return None

    def _restatus(self, i: str, status: str) -> None:
        for piece, a, b in self.model.pieces(i):
            if self.model.values[piece][1] != status:
                self.model.put(i, a, b, (self.model.values[piece][0], status))

    def _exists(self, i: str) -> bool:
        return i in self.model.cells

    def _model_link(self, i: str, j: str, first: int, end: int | None) -> type[TreememError] | None:
        if i == j or not self._exists(i) or not self._exists(j) or (end is not None and end <= first):
            return InvalidInputError
        self.model.put((i, j), first, DAYS if end is None else end, 1.0)
        return None

    def _model_unlink(self, i: str, j: str, at: int) -> type[TreememError] | None:
        if i == j or not self._exists(i) or not self._exists(j):
            return InvalidInputError
        if not any(b > at for _, _, b in self.model.pieces((i, j))):
            return InvalidInputError
        self.model.put((i, j), at, DAYS, None)
        return None

    def _model_undo(self, n: int) -> type[TreememError] | None:
        if not self.times:
            return LookupError  # type: ignore[return-value]
        n %= len(self.times)
        changes = self.model.changes[n]
        for key, (opened, _) in changes.items():
            if not set(opened) <= set(self.model.cells[key]):
                return UndoRefusedError
        before, after = self.snapshots[n], self.snapshots[n + 1]
        for key, (opened, closed) in changes.items():
            for piece in opened:
                self.model.put(key, *self.model.extent(piece, after, key), None)
            for piece in closed:
                self.model.put(key, *self.model.extent(piece, before, key), self.model.values[piece])
        return None

    # the same on the real memory

    def _real_add(self, op: str, i: str, text: str, first: int, end: int | None) -> None:
        until = None if end is None else day(end)
        created = {"created_at": day(first)}
        self.memory.add({"id": i, "memory": text, "metadata": created}, at=day(first), until=until, operation_id=op)

    def _real_update(self, op: str, i: str, text: str, at: int) -> None:
        self.memory.update(i, text, at=day(at), operation_id=op)

    def _real_correct(self, op: str, i: str, text: str, at: int) -> None:
        self.memory.correct(i, text, at=day(at), operation_id=op)

    def _real_expire(self, op: str, i: str, at: int) -> None:
        self.memory.expire(i, at=day(at), operation_id=op)

    def _real_delete(self, op: str, i: str) -> None:
        self.memory.delete(i, operation_id=op)

    def _real_restore(self, op: str, i: str) -> None:
        self.memory.restore(i, operation_id=op)

    def _real_link(self, op: str, i: str, j: str, first: int, end: int | None) -> None:
        until = None if end is None else day(end)
        self.memory.link(i, "CAUSES", j, at=day(first), until=until, operation_id=op)

    def _real_unlink(self, op: str, i: str, j: str, at: int) -> None:
        self.memory.unlink(i, "CAUSES", j, at=day(at), operation_id=op)

    def _real_undo(self, op: str, n: int) -> None:
        self.memory.undo(f"op-{n % len(self.times)}" if self.times else "op-none", operation_id=op)

    def compare(self) -> None:
        """Every belief ever held, on every day, as the real memory tells it from its history."""
        store, cube = self.memory.store, self.memory.cube_id
        states = store.history(cube, IDS)
        edges = [e for e in store.all_edges(cube) if e.type == "CAUSES"]
        for known_at, belief in zip(self.times, self.model.beliefs, strict=True):
            for n in range(DAYS):
                t = int((day(n) - from_micros(0)).total_seconds()) * 1_000_000
                said = {s.memory_id: (s.fields["memory"], s.fields["status"]) for s in states if s.holds(t, known_at)}
                said_edges = {
                    (e.source, e.target)
                    for e in edges
                    if e.valid_from <= t < e.valid_to and e.recorded_from <= known_at < e.recorded_to
                }
                cells = {k: row[n] for k, row in belief.items() if row[n] is not None}
                assert said == {k: v for k, v in cells.items() if isinstance(k, str)}, (known_at, n)
                assert said_edges == {k for k in cells if isinstance(k, tuple)}, (known_at, n)
        problems = self.memory.check()
        assert problems == []
        if self.times:
            last = {i.id: i.memory for i in self.memory.get_by_ids(IDS, as_of=day(DAYS - 1))}
            cells = {k: row[-1] for k, row in self.model.beliefs[-1].items() if isinstance(k, str)}
            assert last == {k: v[0] for k, v in cells.items() if v is not None and v[1] != "deleted"}


def drive(memory: TreeTextMemory, sequence: list[Verb]) -> Pair:
    pair = Pair(memory)
    for verb in sequence:
        pair.run(verb)
    pair.compare()
    return pair


def new_memory(base: TreeTextMemory, cube: str | None = None) -> TreeTextMemory:
    return base.cube(cube or fresh_cube("oracle")).with_clock(FakeClock(day(DAYS)))


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> TreeTextMemory:
    shm = Path("/dev/shm")
    folder = tmp_path_factory.mktemp("oracle")
    path = shm / f"treemem-oracle-{os.getpid()}.db" if os.access(shm, os.W_OK) else folder / "memory.db"
    path.unlink(missing_ok=True)
    with TreeTextMemory.open(path, embedder=HashEmbedder()) as memory:
        yield memory
    for name in (path.name, path.name + "-wal", path.name + "-shm"):
        (path.parent / name).unlink(missing_ok=True)


@pytest.mark.slow
@given(sequence=sequences)
@settings(max_examples=int(os.environ.get("TREEMEM_ORACLE_EXAMPLES", "2500")))
def test_embedded_store_agrees_with_the_naive_model(embedded: TreeTextMemory, sequence: list[Verb]) -> None:
    drive(new_memory(embedded), sequence)


@pytest.fixture(scope="module")
def on_neo4j(neo4j_uri: str) -> TreeTextMemory:
    with TreeTextMemory.open(neo4j_uri, embedder=HashEmbedder()) as memory:
        yield memory


@pytest.mark.slow
@pytest.mark.neo4j
@given(sequence=sequences)
@settings(max_examples=200)
def test_both_stores_agree_with_the_model_and_each_other(
    embedded: TreeTextMemory, on_neo4j: TreeTextMemory, sequence: list[Verb]
) -> None:
    cube = fresh_cube("oracle")  # the same on both: ids of entities are derived from it
    one, two = new_memory(embedded, cube), new_memory(on_neo4j, cube)
    drive(one, sequence)
    drive(two, sequence)
    assert one.content_hash() == two.content_hash()
    for i in IDS:
        assert plain_history(one, i) == plain_history(two, i)
    assert one.stats().edges == two.stats().edges
