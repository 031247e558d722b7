"""A memory that was opened before a fork works in the child at once, and nothing that either writes is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.helpers import HashEmbedder
from treemem import TreeTextMemory

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")

START = """
import gc, multiprocessing, os, signal, sys, threading, time, traceback
from pathlib import Path
from tests.helpers import HashEmbedder
from treemem import StoreUnavailableError, TreeTextMemory

path = Path(sys.argv[1])
memory = TreeTextMemory.open(path, embedder=HashEmbedder(), timeout=20)
memory.add({"id": "first", "memory": "Anna lives in Porto."})

def child(work, seconds=20):
    pid = os.fork()
    if pid == 0:
        signal.alarm(seconds)
        try:
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(3)
        os._exit(0)
    return pid

def wait(pids):
    return [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids]
"""


def run(tmp_path: Path, code: str) -> str:
    """Run code in a process of its own: this one has other threads, and memories of other tests."""
    ran = subprocess.run(
        [sys.executable, "-c", START + textwrap.dedent(code), str(tmp_path / "a.db")],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "Exception ignored" not in ran.stderr, ran.stderr
    return ran.stdout


def ids_of(tmp_path: Path) -> set[str]:
    with TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        assert memory.check() == []
        return {item.id for page in memory.pages() for item in page.items}


@pytest.mark.slow
def test_fifty_children_beside_a_thread_that_writes_and_searches(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        stop, written = [], []
        def busy():
            while not stop:
                written.append(f"parent-{len(written)}")
                memory.add({"id": written[-1], "memory": "the thread says something"})
                memory.search("Anna")
        threads = [threading.Thread(target=busy)]
        [thread.start() for thread in threads]
        def work(n):
            memory.add({"id": f"child-{n}", "memory": f"child {n}"})
            assert "first" in [hit.id for hit in memory.search("Anna lives in Porto")]
            assert memory.get(f"child-{n}").memory == f"child {n}"
        pids = []
        for n in range(50):
            time.sleep(0.01)
            pids.append(child(lambda: work(n), 60))
        print(wait(pids).count(0))
        stop.append(True)
        [thread.join() for thread in threads]
        memory.close()
        print(len(written))
        """,
    ).split()
    assert said[0] == "50"
    assert ids_of(tmp_path) == {
        "first",
        *(f"child-{n}" for n in range(50)),
        *(f"parent-{n}" for n in range(int(said[1]))),
    }


@pytest.mark.slow
def test_fifty_children_after_a_search_with_the_thread_that_counts(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        def work(n):
            memory.search("Anna")
            memory.add({"id": f"child-{n}", "memory": f"child {n}"})
            memory.close()
        codes = []
        for n in range(50):
            memory.search("Anna")
            assert memory._context.usage._thread is not None
            codes += wait([child(lambda: work(n))])
        print(codes.count(0))
        memory.close()
        print([each.name for each in threading.enumerate()])
        """,
    )
    assert said == "50\n['MainThread']\n"
    assert ids_of(tmp_path) == {"first", *(f"child-{n}" for n in range(50))}
    with TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        assert memory.store.usage(memory.cube_id, ["first"])["first"][0] == 100  # each search once, whoever asked


def test_a_child_goes_on_writing_after_its_parent_closed(tmp_path: Path) -> None:
    """The locks of SQLite belong to a process: a child that leans on its parent's writes into a log that is gone."""
    said = run(
        tmp_path,
        """
        ready, go = os.pipe(), os.pipe()
        def work():
            assert memory.get("first").memory
            os.write(ready[1], b"x"); os.read(go[0], 1)
            memory.add({"id": "late", "memory": "written after the parent had closed"})
        pid = child(work)
        os.read(ready[0], 1)
        memory.close()
        print(Path(f"{path}-wal").exists())
        os.write(go[1], b"x")
        print(wait([pid]))
        """,
    )
    assert said == "True\n[0]\n"
    assert ids_of(tmp_path) == {"first", "late"}


def test_grandchildren_and_pools_of_processes(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        def work(n):
            memory.add({"id": f"pool-{n}", "memory": f"pool {n}"})
            return len(memory.search("Anna"))
        context = multiprocessing.get_context("fork")
        with context.Pool(3) as pool:
            assert all(pool.map(work, range(12)))
        def deeper():
            memory.add({"id": "child", "memory": "child"})
            assert wait([child(lambda: memory.add({"id": "grandchild", "memory": "grandchild"}))]) == [0]
        print(wait([child(deeper)]))
        memory.close()
        """,
    )
    assert said == "[0]\n"
    assert ids_of(tmp_path) == {"first", "child", "grandchild", *(f"pool-{n}" for n in range(12))}


def test_a_child_sees_what_is_written_after_the_fork(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        memory.search("Anna")  # the index is in memory
        go = os.pipe()
        def work():
            os.read(go[0], 1)
            assert memory.search("quetzal")[0].id == "news"
        pid = child(work)
        memory.add({"id": "news", "memory": "A quetzal was seen."})
        os.write(go[1], b"x")
        print(wait([pid]))
        memory.close()
        """,
    )
    assert said == "[0]\n"


def test_a_fork_from_within_a_transaction_is_told_in_the_child(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        def work():
            for call in (lambda: memory.get("first"), lambda: TreeTextMemory.open(path, embedder=HashEmbedder())):
                try:
                    call()
                except StoreUnavailableError as error:
                    assert "forked while a thread was busy" in str(error)
                else:
                    raise AssertionError("it was used")
        with memory.store._database.read():
            pid = child(work)
        print(wait([pid]), memory.get("first").memory)
        memory.close()
        """,
    )
    assert said == "[0] Anna lives in Porto.\n"


def test_a_fork_waits_for_a_thread_no_longer_than_it_says(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        from treemem.store.sqlite import forking
        forking.PATIENCE = 0.2
        inside, leave = threading.Event(), threading.Event()
        def long():
            with memory.store._database.read():
                inside.set(); leave.wait()
        thread = threading.Thread(target=long); thread.start(); inside.wait()
        def work():
            try:
                memory.get("first")
            except StoreUnavailableError:
                return
            raise AssertionError("it was used")
        print(wait([child(work)]))
        leave.set(); thread.join()
        print(wait([child(lambda: memory.add("now it is idle"))]))
        memory.close()
        """,
    )
    assert said == "[0]\n[0]\n"


def test_what_was_closed_or_let_go_is_not_kept_for_forks(tmp_path: Path) -> None:
    run(
        tmp_path,
        """
        import weakref
        database, usage = weakref.ref(memory.store._database), weakref.ref(memory._context.usage)
        memory.search("Anna")
        memory.close()
        del memory
        gc.collect()
        assert database() is None and usage() is None
        assert wait([child(lambda: None)]) == [0]
        """,
    )


def test_the_carried_model_in_a_child(tmp_path: Path) -> None:
    said = run(
        tmp_path,
        """
        own = TreeTextMemory.open(path.with_name("own.db"))
        own.add("Anna lives in Porto.")
        def work():
            own.add("The child was here.")
            assert len(own.search("Who was here?")) == 2
        print(wait([child(work, 60)]))
        own.close()
        """,
    )
    assert said == "[0]\n"


def test_a_fork_while_other_threads_search_for_the_first_time(tmp_path: Path) -> None:
    """A first search imports modules and builds models, under locks that a child would wait for."""
    said = run(
        tmp_path,
        """
        threads = [threading.Thread(target=memory.search, args=("Where did Anna live three days ago?",))
                   for _ in range(3)]
        [thread.start() for thread in threads]
        pids = []
        for n in range(10):
            pids.append(child(lambda: memory.search("Where did Anna live three days ago?"), 60))
            time.sleep(0.005)
        print(wait(pids).count(0))
        [thread.join() for thread in threads]
        memory.close()
        """,
    )
    assert said == "10\n"


def test_no_property_holds_a_lock_while_it_is_computed() -> None:
    """Python 3.11's `functools.cached_property` does, and a child forked meanwhile would wait for ever."""
    package = Path(__file__).parents[1] / "treemem"
    assert [p.name for p in package.rglob("*.py") if "import cached_property" in p.read_text("utf-8")] == []
