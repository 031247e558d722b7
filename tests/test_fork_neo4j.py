"""Forks: a child of a process that has a memory open begins anew, or says at once what to do."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from tests.helpers import HashEmbedder, fresh_cube
from tests.neo4j_server import driver as plain_driver
from treemem import ConfigError, TreeTextMemory

pytestmark = [
    pytest.mark.neo4j,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning"),
]


def forked(call: Callable[[], object], seconds: int = 60) -> int:
    """Run `call` in a forked child; return its exit status: 0, 1 with an error, -14 when it took too long."""
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        try:
            call()
            os._exit(0)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_forked_child_searches_and_adds_at_once(neo4j_uri: str) -> None:
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube("fork"), embedder=HashEmbedder(), record_usage=False) as memory:
        memory.add({"id": "a", "memory": "Anna lives in Lisbon."})
        memory.search("Anna")

        def child() -> None:
            assert memory.bookmarks()
            assert memory.search("Where does Anna live?")[0].id == "a"
            memory.add({"id": "b", "memory": "Ben lives in Porto."})
            memory.close()

        assert forked(child) == 0
        assert memory.get("b").memory == "Ben lives in Porto."
        assert memory.search("Where does Anna live?")[0].id == "a"
        assert memory.check() == []


@pytest.mark.slow
def test_children_of_a_process_that_writes_all_the_time(neo4j_uri: str) -> None:
    """Whatever lock or connection a thread of the parent holds at the fork, no child waits for it."""
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube("fork"), embedder=HashEmbedder()) as memory:
        memory.add("Anna lives in Lisbon.")
        stop = threading.Event()
        failed: list[BaseException] = []

        def write() -> None:
            while not stop.is_set():
                try:
                    memory.add("a thread says so")
                except BaseException as error:
                    failed.append(error)
                    return

        writer = threading.Thread(target=write)
        writer.start()
        try:
            children = 50
            statuses = []
            for number in range(children):
                time.sleep(0.01 * (number % 5))
                statuses.append(forked(lambda number=number: memory.add({"id": f"c{number}", "memory": "a child"})))
        finally:
            stop.set()
            writer.join(60)
        assert statuses == [0] * children
        assert failed == []
        assert len(memory.get_by_ids([f"c{n}" for n in range(children)])) == children
        assert memory.check() == []


def test_a_driver_of_the_parent_is_told_of(neo4j_uri: str) -> None:
    with (
        plain_driver(neo4j_uri) as driver,
        TreeTextMemory.open(driver=driver, cube=fresh_cube("fork"), embedder=HashEmbedder()) as memory,
    ):
        memory.add({"id": "a", "memory": "Anna lives in Lisbon."})

        def child() -> None:
            for call in (lambda: memory.search("Anna"), lambda: memory.add("x"), memory.stats):
                started = time.monotonic()
                with pytest.raises(
                    ConfigError, match=r"before this process was forked.*open the memory after the fork"
                ):
                    call()
                assert time.monotonic() - started < 5
            memory.close()

        assert forked(child) == 0
        assert memory.get("a").memory == "Anna lives in Lisbon."
