"""Nothing is left behind: threads, open files and connections after open and close, many searches, a failed worker."""

from __future__ import annotations

import gc
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.conftest import OpenMemory
from treemem import StoreUnavailableError, TreeTextMemory
from treemem.reorganize.reorganizer import Reorganizer

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def held() -> tuple[list[str], list[str]]:
    """The names of the threads that run, and what the open files of this process are: paths and sockets."""
    gc.collect()
    files = []
    for number in Path("/proc/self/fd").iterdir():
        try:
            files.append(str(number.readlink()).partition(":[")[0])
        except OSError:
            continue  # the folder that was listed
    return sorted(thread.name for thread in threading.enumerate()), sorted(files)


def settled(wanted: tuple[list[str], list[str]], seconds: float = 10.0) -> tuple[list[str], list[str]]:
    """What is held once it is what is wanted, or after some seconds: a socket needs a moment to close."""
    until = time.monotonic() + seconds
    while (now := held()) != wanted and time.monotonic() < until:
        time.sleep(0.05)
    return now


def work(memory: TreeTextMemory) -> None:
    memory.add(["Anna lives in Porto.", "Ben likes trams."])
    memory.search("Where does Anna live?")
    memory.for_caller("ann").search("trams")
    memory.cube("other").add("elsewhere")


def test_open_and_close_leave_nothing(open_memory: OpenMemory) -> None:
    def turn() -> None:
        with open_memory() as memory:
            work(memory)

    turn()  # what the process keeps for itself is there now
    before = held()
    for _ in range(5):
        turn()
    assert settled(before) == before


def test_two_hundred_searches_leave_nothing(open_memory: OpenMemory) -> None:
    memory = open_memory()
    work(memory)
    for n in range(20):
        memory.search(f"tram {n}")
    before = held()
    for n in range(200):
        memory.search(f"tram {n}")
    threads, files = held()
    assert len(threads) <= len(before[0]) + 1  # the one that counts what is found comes and goes
    assert len(files) <= len(before[1]) + 2


@pytest.mark.parametrize(
    "fault", [StoreUnavailableError("gone"), RuntimeError("gone")], ids=["foreseen", "not foreseen"]
)
def test_a_worker_that_fails_leaves_nothing(
    open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise fault

    def turn() -> None:
        with open_memory() as memory:
            work(memory)
            memory.reorganizer.start(interval=0.01)
            until = time.monotonic() + 10
            while memory.reorganizer.failure is None and time.monotonic() < until:
                time.sleep(0.01)
            assert "gone" in str(memory.reorganizer.failure)

    monkeypatch.setattr(Reorganizer, "plan", fail)
    turn()
    before = held()
    for _ in range(3):
        turn()
    assert settled(before) == before


def test_a_file_that_cannot_be_opened_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "no.db"
    path.write_bytes(b"this is no database, and never was one" * 100)
    before = held()
    for _ in range(5):
        with pytest.raises(Exception, match=r"no\.db"):
            TreeTextMemory.open(path)
    assert settled(before) == before
