"""Writers of several threads share transactions: each has its own result, its own error, and nothing is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, fresh_cube
from treemem import MemoryExistsError, TreeTextMemory
from treemem.store.together import Together

Write = Callable[[Sequence[int], float], Sequence[int | Exception | None]]


def together(write: Write, *, seconds: float = 20.0, most: int = 100, alone: Callable[[int], int] | None = None) -> Any:
    return Together(write, alone or (lambda n: -n), lambda _: 1, most, seconds)


def all_at_once(call: Callable[[int], int], many: Sequence[int]) -> list[int | str]:
    def one(n: int) -> int | str:
        try:
            return call(n)
        except ValueError as error:
            return str(error)

    with ThreadPoolExecutor(len(many)) as pool:
        return list(pool.map(one, many))


class Slowly:
    """Notes what is written together; the first write waits until `company` others are there."""

    def __init__(self, result: Callable[[int], int | Exception | None], company: int) -> None:
        self.result, self.company = result, company
        self.groups: list[list[int]] = []
        self.waiting: Callable[[], int] = lambda: 0

    def __call__(self, many: Sequence[int], seconds: float) -> Sequence[int | Exception | None]:
        end = time.monotonic() + 10
        while not self.groups and self.waiting() < self.company and time.monotonic() < end:
            time.sleep(0.001)
        self.groups.append(list(many))
        return [self.result(n) for n in many]


def after_the_first(write: Slowly, **options: Any) -> Any:
    found = together(write, **options)
    write.waiting = lambda: len(found._waiting.get("key", ()))
    return found


def test_those_who_come_meanwhile_are_written_by_one_write() -> None:
    write = Slowly(lambda n: n * 10, 7)
    call = after_the_first(write)
    assert all_at_once(lambda n: int(call("key", n)), range(8)) == [n * 10 for n in range(8)]
    assert sorted(map(len, write.groups)) == [1, 7]
    assert call._waiting == {}


def test_no_transaction_is_larger_than_it_may_be() -> None:
    write = Slowly(lambda n: n, 7)
    call = after_the_first(write, most=3)
    assert all_at_once(lambda n: int(call("key", n)), range(8)) == list(range(8))
    assert max(map(len, write.groups)) <= 3
    assert sorted(n for group in write.groups for n in group) == list(range(8))


def test_an_error_is_its_own_callers_alone() -> None:
    write = Slowly(lambda n: ValueError("three") if n == 3 else n, 7)
    call = after_the_first(write)
    assert all_at_once(lambda n: int(call("key", n)), range(8)) == [0, 1, 2, "three", 4, 5, 6, 7]


def test_what_fails_together_is_written_alone() -> None:
    class Failing(Slowly):
        def __call__(self, many: Sequence[int], seconds: float) -> Sequence[int | Exception | None]:
            found = super().__call__(many, seconds)
            if len(many) > 1:
                raise ValueError("the whole transaction")
            return found

    write = Failing(lambda n: n, 7)
    call = after_the_first(write, alone=lambda n: 100 + n)
    found = all_at_once(lambda n: int(call("key", n)), range(8))
    (first,) = write.groups[0]
    assert found == [n if n == first else 100 + n for n in range(8)]


def test_one_that_fails_by_itself_raises_and_lets_the_next_write() -> None:
    def fails(many: Sequence[int], seconds: float) -> Sequence[int]:
        raise ValueError(str(many[0]))

    call = together(fails)
    assert [all_at_once(lambda n: int(call("key", n)), [1]), all_at_once(lambda n: int(call("key", n)), [2])] == [
        ["1"],
        ["2"],
    ]


def test_who_has_little_time_left_leads_nobody() -> None:
    begun, release, groups = threading.Event(), threading.Event(), list[tuple[list[int], float]]()

    def write(many: Sequence[int], seconds: float) -> Sequence[int]:
        groups.append((list(many), seconds))
        if many[0] == 0:
            begun.set()
            release.wait(10)
        return list(many)

    call = together(write, seconds=2.0)
    threads = [threading.Thread(target=call, args=("key", n)) for n in range(3)]
    for thread, before in zip(threads, (0.0, 0.0, 1.6), strict=True):
        time.sleep(before)
        thread.start()
        begun.wait(10)
    time.sleep(0.1)
    release.set()
    for thread in threads:
        thread.join(10)
    assert [many for many, _ in groups] == [[0], [1], [2]]
    assert all(seconds > 0 for _, seconds in groups)
    assert groups[2][1] > 1.5, "who came last has its own time"


def test_a_transaction_that_was_held_up_holds_up_nobody_after_it() -> None:
    write = Slowly(lambda n: n, 2)
    call = after_the_first(write)

    def slowly(many: Sequence[int], seconds: float) -> Sequence[int | Exception | None]:
        found = write(many, seconds)
        time.sleep(1.0)
        return found

    call._write = slowly
    assert all_at_once(lambda n: int(call("key", n)), range(3)) == [0, 1, 2]
    call._write = write
    begun = time.monotonic()
    assert call("key", 9) == 9
    assert time.monotonic() - begun < 0.2


def test_other_keys_do_not_wait() -> None:
    held, release = threading.Event(), threading.Event()

    def write(many: Sequence[int], seconds: float) -> Sequence[int]:
        if many[0] == 0:
            held.set()
            release.wait(10)
        return list(many)

    call = together(write)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(call, "one", 0)
        held.wait(10)
        assert call("two", 1) == 1
        release.set()
        assert first.result() == 0


def test_who_is_left_without_anybody_who_writes_goes_on() -> None:
    """The thread that wrote is gone, as after a Ctrl-C between two of its steps: nobody waits for it for ever."""
    call = together(lambda many, _: list(many), seconds=0.2)
    call._waiting["key"] = []
    assert call("key", 1) == 1
    assert call._waiting == {}


def test_an_interrupted_wait_leaves_nobody_behind() -> None:
    held, release = threading.Event(), threading.Event()

    def write(many: Sequence[int], seconds: float) -> Sequence[int]:
        if many[0] == 0:
            held.set()
            release.wait(10)
        return list(many)

    class Interrupted:
        def acquire(self, timeout: float) -> bool:
            raise KeyboardInterrupt

        def release(self) -> None: ...

    call = together(write)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(call, "key", 0)
        held.wait(10)
        from treemem.store.together import _Call

        mine: Any = _Call(1, 0.0)
        mine.turn = Interrupted()
        call._waiting["key"].append(mine)
        with pytest.raises(KeyboardInterrupt):
            call._wait("key", mine)
        second = pool.submit(call, "key", 2)
        release.set()
        assert (first.result(), second.result()) == (0, 2)
    assert call._waiting == {}


def test_nobody_who_writes_alone_waits_for_company() -> None:
    call = together(lambda many, _: list(many))
    for n in range(4):
        call("key", n)
        assert call._paces == {}


# on both stores


def adding(memory: TreeTextMemory, name: str, n: int) -> str:
    (found,) = memory.add({"id": f"{name}-{n}", "memory": f"{name} note {n} on Anna"}, operation_id=f"op-{name}-{n}")
    return found


def test_single_adds_of_eight_threads(open_memory: OpenMemory) -> None:
    memory = open_memory(timeout=60.0)
    memory.add({"id": "taken", "memory": "first"})
    refused: list[str] = []

    def work(name: str) -> None:
        for n in range(6):
            assert adding(memory, name, n) == f"{name}-{n}"
            assert memory.get(f"{name}-{n}").memory == f"{name} note {n} on Anna", "acknowledged, and not there"
            try:
                memory.add({"id": "taken", "memory": f"{name} {n}"})
            except MemoryExistsError as error:
                refused.append(str(error))

    names = [f"t{n}" for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, names))
    assert len(refused) == 48
    assert len(memory.get_all()["nodes"]) == 49
    operations = {o.id: o for o in memory.operations(limit=1_000)}
    assert len(operations) == 49
    assert len({o.recorded_at for o in operations.values()}) == 49, "two operations at one time"
    for name in names:
        times = [operations[f"op-{name}-{n}"].recorded_at for n in range(6)]
        assert times == sorted(times)
        assert memory.history(f"{name}-3")[0].recorded_from == operations[f"op-{name}-3"].recorded_at
    memory.undo("op-t2-3")
    assert {n["id"] for n in memory.get_all()["nodes"]} == {
        "taken",
        *(f"{name}-{n}" for name in names for n in range(6) if (name, n) != ("t2", 3)),
    }
    before = operations["op-t5-0"].recorded_at
    assert "t5-0" not in memory.diff(before).added
    assert adding(memory, "t1", 1) == "t1-1", "repeated with its operation id"
    assert memory.check() == []


def test_a_transaction_of_several_that_cannot_be_committed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is written again by itself; only one of them meets the fault of its own."""
    from treemem.store.sqlite import writing

    apply = writing.apply

    def failing(conn: Any, changes: Any) -> Any:
        if changes.operation == "bad":
            raise RuntimeError("unforeseen")
        return apply(conn, changes)

    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
        monkeypatch.setattr(writing, "apply", failing)

        def add(n: int) -> str:
            try:
                return memory.add(f"note {n}", operation_id="bad" if n % 10 == 5 else f"op{n}")[0]
            except RuntimeError:
                return "failed"

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(add, range(80)))
        monkeypatch.undo()
        assert [n for n, each in enumerate(found) if each == "failed"] == list(range(5, 80, 10))
        assert {m["id"] for m in memory.get_all()["nodes"]} == set(found) - {"failed"}
        assert memory.stats().operations == 72
        assert memory.check() == []


WRITER = """
import sys, threading
from tests.helpers import HashEmbedder, fresh_cube
from treemem import TreeTextMemory

memory = TreeTextMemory.open(sys.argv[1], cube=sys.argv[2], embedder=HashEmbedder(), timeout=60)

def work(name):
    for n in range(100_000):
        memory.add({"id": f"{name}-{n}", "memory": f"{name} note {n} on Anna"})
        sys.stdout.write(f"{name}-{n}\\n")
        sys.stdout.flush()

for k in range(8):
    threading.Thread(target=work, args=(f"t{k}",)).start()
"""


@pytest.mark.slow
def test_eight_threads_are_killed(location: str) -> None:
    """What a thread had acknowledged is there, though the transaction was written by another one."""
    cube = fresh_cube("killed")
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, location, cube],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[1],
        start_new_session=True,
    )
    assert process.stdout is not None
    acknowledged = [process.stdout.readline() for _ in range(40)]
    os.killpg(process.pid, signal.SIGKILL)
    acknowledged += process.communicate()[0].splitlines(keepends=True)
    whole = {line.strip() for line in acknowledged if line.endswith("\n")}
    with TreeTextMemory.open(location, cube=cube, embedder=HashEmbedder()) as memory:
        found = {n["id"] for page in memory.pages() for n in (item.model_dump() for item in page.items)}
        assert whole <= found
        assert len(found) <= len(whole) + 8
        assert memory.check() == []
