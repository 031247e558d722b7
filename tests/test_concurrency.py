"""Threads and processes on one cube: no lost update, no duplicate, a clock that rises."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from treemem import MemoryExistsError, MemoryNotFoundError, TreeTextMemory
from treemem.store.neo4j.connection import Connection, Transaction
from treemem.store.neo4j.statements import Statement

WORKER = """
import sys
from tests.helpers import HashEmbedder
from treemem import TreeTextMemory

store, cube, name = sys.argv[1:]
with TreeTextMemory.open(store, cube=cube, embedder=HashEmbedder(), timeout=60) as memory:
    for i in range(12):
        memory.update("hot", f"{name} {i}", info={f"by-{name}-{i}": True})
        memory.add({"id": f"{name}-{i}", "memory": f"note {i} of {name}"})
        memory.add({"id": f"shared-{i}", "memory": f"shared note {i} on Anna"})
"""


def verify(memory: TreeTextMemory, names: list[str], each: int) -> None:
    history = memory.history("hot")
    counts = {f"by-{name}-{i}" for name in names for i in range(each)}
    assert set(memory.get("hot").metadata.info) == counts, "an update was lost"
    assert len({v.version for v in history}) == len(history)
    times = [o.recorded_at for o in reversed(memory.operations(limit=10_000))]
    assert times == sorted(set(times))
    graph = memory.get_all()
    ids = [n["id"] for n in graph["nodes"]]
    assert sorted(ids) == sorted({*ids})
    assert len(ids) == 1 + len(names) * each + each
    anna = [e for e in graph["edges"] if e["type"] == "MENTIONS" and e["source"].startswith("shared-")]
    assert len({e["target"] for e in anna}) == 1
    assert len(anna) == each
    assert memory.check() == []


@pytest.mark.slow
def test_sixteen_threads(open_memory: OpenMemory) -> None:
    memory = open_memory(timeout=60.0)
    memory.add({"id": "hot", "memory": "start"})
    names = [f"t{n}" for n in range(16)]

    def work(name: str) -> None:
        for i in range(6):
            memory.update("hot", f"{name} {i}", info={f"by-{name}-{i}": True})
            memory.add({"id": f"{name}-{i}", "memory": f"note {i} of {name}"})
            memory.add({"id": f"shared-{i}", "memory": f"shared note {i} on Anna"})
            assert len(memory.search(f"note {i} of {name}", top_k=1)) == 1

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(work, names))
    verify(memory, names, 6)


def test_four_processes(location: str) -> None:
    cube = fresh_cube("processes")
    with TreeTextMemory.open(location, cube=cube, embedder=HashEmbedder()) as memory:
        memory.add({"id": "hot", "memory": "start"})
        names = [f"p{n}" for n in range(4)]
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, location, cube, name],
                cwd=Path(__file__).parents[1],
                stderr=subprocess.PIPE,
                text=True,
            )
            for name in names
        ]
        errors = [w.communicate(timeout=240)[1] for w in workers]
        assert [w.returncode for w in workers] == [0] * 4, "\n".join(errors)
        verify(memory, names, 12)


def test_what_is_planned_again_long_after_is_made_then(open_memory: OpenMemory) -> None:
    """An update that waited an hour for its turn stands on what was said in that hour, not before it."""

    class Slow(HashEmbedder):
        waits = False

        def embed(self, texts: Sequence[str]) -> np.ndarray:
            if self.waits:
                self.waits = False
                clock.time += timedelta(hours=1)
                other.update("hot", "said meanwhile", info={"meanwhile": True})
            return super().embed(texts)

    clock, slow = FakeClock(), Slow()
    memory, other = open_memory(clock=clock, embedder=slow), open_memory(clock=clock)
    memory.add({"id": "hot", "memory": "start"})
    slow.waits = True
    memory.update("hot", "said after a wait", info={"waited": True})
    item = memory.get("hot")
    assert item.memory == "said after a wait"
    assert item.metadata.info == {"meanwhile": True, "waited": True}


def test_the_same_operation_from_eight_threads_is_done_once(open_memory: OpenMemory) -> None:
    memory = open_memory()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: memory.add(["one", "two"], operation_id="same"), range(8)))
    assert len({tuple(ids) for ids in found}) == 1
    assert memory.stats().states == 2
    assert memory.stats().operations == 1


@pytest.mark.slow
@pytest.mark.parametrize("processes", [10])
def test_ten_processes_open_a_new_database_at_once(tmp_path: Path, processes: int) -> None:
    code = "import sys; from treemem import TreeTextMemory; TreeTextMemory.open(sys.argv[1]).close()"
    path = tmp_path / "new.db"
    workers = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], stderr=subprocess.PIPE, text=True)
        for _ in range(processes)
    ]
    errors = [w.communicate(timeout=120)[1] for w in workers]
    assert [w.returncode for w in workers] == [0] * processes, "\n".join(errors)
    with TreeTextMemory.open(path, embedder=HashEmbedder()) as memory:
        memory.add("it works")
        assert memory.check() == []


def test_reads_see_every_memory_while_it_is_updated(open_memory: OpenMemory) -> None:
    """A read that pins its transaction time never misses a memory between its old and its new state.

    A search may find a memory with one arm alone and yet miss it with the other: a server's indexes are written after
    its nodes. So both arms must have found every memory.
    """
    memory = open_memory()
    ids = memory.add([f"note {i} about gardens" for i in range(8)])
    stop: list[bool] = []

    def write() -> None:
        n = 0
        while not stop:
            memory.update(ids[n % 8], f"note {n} about gardens")
            n += 1

    with ThreadPoolExecutor(2) as pool:
        writer = pool.submit(write)
        try:
            misses = []
            for n in range(60):
                arms = Counter(arm for hit in memory.search("note about gardens", top_k=8) for arm in hit.arms)
                if len(memory.get_by_ids(ids)) != 8 or (arms["vector"], arms["text"]) != (8, 8):
                    misses.append((n, arms))
        finally:
            stop.append(True)
        writer.result()
    assert misses == []


@pytest.mark.neo4j
def test_indexes_are_asked_as_of_a_time_that_was_read_before(neo4j_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A statement opens its indexes as it begins: a time that it reads itself may be later than what is in them."""
    asked: list[tuple[str, object]] = []
    run = Transaction.run

    def spy(tx: Transaction, statement: Statement, **given: Any) -> Any:
        if "INDEX treemem_" in statement.text() and "SEARCH" in statement.text():
            asked.append((statement.name, given["known_at"]))
        return run(tx, statement, **given)

    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube(), embedder=HashEmbedder()) as memory:
        memory.add(["Anna sings.", "Ben rows."])
        monkeypatch.setattr(Transaction, "run", spy)
        assert memory.search("Who sings?")
        memory.reorganizer.plan()
    assert {name for name, _ in asked} == {"recall", "neighbours"}
    assert all(known_at is not None for _, known_at in asked)


@pytest.fixture
def dying_and_other(
    neo4j_uri: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[TreeTextMemory, TreeTextMemory, Callable[[], AbstractContextManager[None]]]]:
    """Two memories over one cube, and a block in which a writer dies between its commit and the moment it is shown."""
    cube, begin = fresh_cube(), Connection.begin_write

    @contextmanager
    def dying() -> Iterator[None]:
        with monkeypatch.context() as patch:
            patch.setattr(Connection, "begin_write", lambda self, work, then=None: begin(self, work))
            yield

    with (
        TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder()) as writer,
        TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder()) as other,
    ):
        writer.add({"id": "a", "memory": "The cello is for Lena Moss."})
        yield writer, other, dying


def refused(memory: TreeTextMemory) -> None:
    with pytest.raises(MemoryExistsError):
        memory.add({"id": "a", "memory": "third"})


NEXT: dict[str, Callable[[TreeTextMemory], object]] = {
    "update": lambda m: m.update("a", info={"seen": True}),
    "repeat": lambda m: m.update("a", "The cello is for Tom Hale.", operation_id="dies"),
    "add": lambda m: m.add("something else"),
    "refused": refused,
    "diff": lambda m: m.diff("2020-01-01"),
    "check": lambda m: m.check(),
}


@pytest.mark.neo4j
@pytest.mark.parametrize("then", NEXT)
def test_a_write_whose_writer_died_before_it_was_shown_is_shown_by_the_next(dying_and_other: Any, then: str) -> None:
    writer, other, dying = dying_and_other
    with dying():
        writer.update("a", "The cello is for Tom Hale.", operation_id="dies")
    assert other.get("a").memory == "The cello is for Lena Moss."
    assert [v.item.memory for v in other.history("a")] == ["The cello is for Lena Moss."]
    assert other.history("a")[0].recorded_to is None
    result = NEXT[then](other)
    assert then != "check" or result == []
    assert other.get("a").memory == "The cello is for Tom Hale."
    assert len({v.item.memory for v in other.history("a")}) == 2
    assert other.check() == []


@pytest.mark.neo4j
def test_what_is_planned_before_a_write_is_shown_stands_on_that_write(dying_and_other: Any) -> None:
    writer, other, dying = dying_and_other
    with dying():
        writer.update("a", "The cello is for Tom Hale.")
    other.update("a", "The cello is for Bob Marsh.")
    said = [v.item.memory.split()[-2] for v in other.history("a")]
    assert list(dict.fromkeys(said)) == ["Lena", "Tom", "Bob"]
    assert {each.name for each in other.neighbours("a", types=["MENTIONS"])} == {"Bob Marsh"}
    with dying():
        writer.add({"id": "b", "memory": "A second note."})
        writer.delete("a")
    with pytest.raises(MemoryNotFoundError):
        other.update("a", "The cello is for Zed Reed.")
    assert other.get_by_ids(["a", "b"])[0].id == "b"
    assert other.check() == []
