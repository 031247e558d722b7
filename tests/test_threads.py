"""Threads over the embedded store: connections are lent, nothing outlives its thread or the store."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder
from treemem import StoreUnavailableError, TreeTextMemory
from treemem.store.sqlite import pool
from treemem.usage import UsageLog

FEW_FILES = """
import os, resource, sys, threading
from tests.helpers import HashEmbedder
from treemem import TreeTextMemory

resource.setrlimit(resource.RLIMIT_NOFILE, (1024, 1024))
memory = TreeTextMemory.open(sys.argv[1], embedder=HashEmbedder())
memory.add("Anna lives in Porto.")
memory.search("Anna")
failed, before = [], len(os.listdir("/proc/self/fd"))

def one(n):
    try:
        memory.search("Anna")
        if n % 50 == 0:
            memory.add(f"note {n}")
    except Exception as error:
        failed.append(repr(error))

for at_once in (1, 100):
    for start in range(0, 600, at_once):
        threads = [threading.Thread(target=one, args=(n,)) for n in range(start, start + at_once)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]
    if at_once == 1:
        # the thread that writes counts may have a connection of its own by now
        assert len(os.listdir("/proc/self/fd")) <= before + 4, os.listdir("/proc/self/fd")
assert failed == [], failed[:3]
assert len(os.listdir("/proc/self/fd")) < before + 100
memory.close()
folder = "/proc/self/fd/"
left = [os.readlink(folder + each) for each in os.listdir(folder) if os.path.exists(folder + each)]
assert not [each for each in left if "a.db" in each], left
assert [each.name for each in threading.enumerate()] == ["MainThread"]
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_hundreds_of_short_threads_use_up_nothing(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", FEW_FILES, str(tmp_path / "a.db")],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr


def test_a_thread_waits_for_a_connection_and_is_told_if_none_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "MOST", 2)
    with TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder(), timeout=0.3, record_usage=False) as memory:
        memory.add({"id": "one", "memory": "one"})
        leave, inside = threading.Event(), threading.Barrier(3)

        def hold() -> None:
            with memory.store._database.read():  # type: ignore[attr-defined]
                inside.wait()
                leave.wait()

        threads = [threading.Thread(target=hold) for _ in range(2)]
        for thread in threads:
            thread.start()
        inside.wait()
        with pytest.raises(StoreUnavailableError, match="2 reads were under way"):
            memory.get("one")
        memory.add({"id": "two", "memory": "a writer has a connection of its own"})
        threading.Timer(0.1, leave.set).start()
        assert memory.get("two").memory
        for thread in threads:
            thread.join()
    with (
        TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder(), timeout=60, record_usage=False) as patient,
        ThreadPoolExecutor(20) as executor,
    ):
        assert len(list(executor.map(lambda _: patient.get("one"), range(100)))) == 100


def test_a_statement_that_failed_half_way_leaves_no_old_snapshot(tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder(), record_usage=False) as memory:
        memory.add([f"note {n}" for n in range(50)])
        database = memory.store._database  # type: ignore[attr-defined]
        kept = []
        with pytest.raises(ZeroDivisionError), database.read() as conn:  # noqa: PT012 (in the middle of it)
            kept.append(conn.execute("SELECT * FROM state"))
            next(kept[0])
            raise ZeroDivisionError
        memory.add({"id": "late", "memory": "late"})
        assert memory.get("late").memory == "late"
        assert memory.stats().memories == 51


@pytest.fixture
def counting(open_memory: OpenMemory) -> Iterator[tuple[TreeTextMemory, list[tuple[str, dict[str, int]]]]]:
    """A memory on either store whose writes of usage are noted."""
    memory = open_memory(record_usage=False)
    written: list[tuple[str, dict[str, int]]] = []
    record = memory.store.record_usage

    def noted(cube: str, counts: dict[str, int], now: int) -> None:
        written.append((cube, dict(counts)))
        record(cube, counts, now)

    memory.store.record_usage = noted  # type: ignore[method-assign]
    yield memory, written
    del memory.store.record_usage


def test_recalls_are_counted_in_one_write_a_cube(
    counting: tuple[TreeTextMemory, list[tuple[str, dict[str, int]]]],
) -> None:
    memory, written = counting
    one, two = memory.add(["one", "two"])
    other = memory.cube(memory.cube_id + "-other")
    (three,) = other.add("three")
    log = UsageLog(memory.store, memory._context.now, seconds=3_600)
    for times in range(7):
        log.note([(memory.cube_id, one), (memory.cube_id, two)][: 1 + times % 2])
        log.note([(other.cube_id, three)])
    log.close()
    assert sorted(written) == [(memory.cube_id, {one: 7, two: 3}), (other.cube_id, {three: 7})]
    counted = memory.store.usage(memory.cube_id, [one, two])
    assert {memory_id: count for memory_id, (count, _) in counted.items()} == {one: 7, two: 3}


def test_no_recall_is_lost_between_threads_and_flushes(open_memory: OpenMemory) -> None:
    memory = open_memory(record_usage=False)
    ids = memory.add([f"note {n}" for n in range(5)])
    log = UsageLog(memory.store, memory._context.now, seconds=0.001)

    def recall(_: int) -> None:
        for memory_id in ids:
            log.note([(memory.cube_id, memory_id)])
        log.flush()

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(recall, range(40)))
    log.close()
    assert {count for count, _ in memory.store.usage(memory.cube_id, ids).values()} == {40}


def test_a_flush_returns_when_what_was_noted_before_is_written(open_memory: OpenMemory) -> None:
    memory = open_memory(record_usage=False)
    (one,) = memory.add(["one"])
    log = UsageLog(memory.store, memory._context.now, seconds=0.0)
    for times in range(1, 30):
        log.note([(memory.cube_id, one)])
        log.flush()
        assert memory.store.usage(memory.cube_id, [one])[one][0] == times
    log.close()


def threads_of_treemem() -> list[str]:
    return [each.name for each in threading.enumerate() if each.name.startswith("treemem-usage")]


def test_the_thread_that_counts_ends_when_idle_and_when_closed(tmp_path: Path) -> None:
    before = threads_of_treemem()
    for _ in range(5):
        memory = TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder())
        memory.add("Anna")
        views = [memory, memory.cube("other"), memory.for_caller("ann")]
        for view in views:
            view.search("Anna")
        assert len(threads_of_treemem()) <= len(before) + 1
        memory.close()
        assert threads_of_treemem() == before
        views[1].close()
    memory = TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder())
    assert memory._context.usage is not None
    memory._context.usage._seconds = 0.01
    memory.search("Anna")
    deadline = time.monotonic() + 10
    while threads_of_treemem() != before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threads_of_treemem() == before
    memory.close()


def test_a_closed_store_is_let_go(tmp_path: Path) -> None:
    import weakref

    memory = TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder())
    memory.add("Anna")
    memory.search("Anna")
    store = weakref.ref(memory.store)
    memory.close()
    del memory
    gc.collect()
    assert store() is None
