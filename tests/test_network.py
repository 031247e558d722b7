"""Real network faults between treemem and Neo4j, through a proxy."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import neo4j
import pytest

from tests.conftest import started_server
from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from tests.neo4j_server import driver as plain_driver
from tests.proxy import Proxy
from treemem import (
    ConfigError,
    InvalidInputError,
    StoreError,
    StoreTimeoutError,
    StoreUnavailableError,
    TreeTextMemory,
    TreeTextMemoryConfig,
)
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.lanes import Lane, Lanes
from treemem.store.neo4j.statements import statement

pytestmark = pytest.mark.neo4j


@pytest.fixture
def proxy(neo4j_uri: str) -> Iterator[Proxy]:
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube("warm"), embedder=HashEmbedder()) as memory:
        memory.add("A server that has planned nothing yet may take longer than these tests wait.")
        memory.search("planned")
    found = Proxy(urlsplit(neo4j_uri).port or 7687)
    yield found
    found.close()


def through(proxy: Proxy, timeout: float = 4.0) -> TreeTextMemory:
    return TreeTextMemory.open(
        proxy.uri, cube=fresh_cube("net"), embedder=HashEmbedder(), clock=FakeClock(), timeout=timeout
    )


def test_a_silent_connection_ends_in_an_error_and_the_next_call_works(proxy: Proxy) -> None:
    with through(proxy) as memory:
        memory.add("before the silence")
        proxy.silent.set()
        started = time.monotonic()
        with pytest.raises(StoreUnavailableError, match="no answer within 4 seconds"):
            memory.add("into the silence", operation_id="silent")
        assert time.monotonic() - started < 6
        with pytest.raises(StoreUnavailableError):
            memory.search("silence")
        proxy.silent.clear()
        memory.add("into the silence", operation_id="silent")
        assert sorted(n["memory"] for n in memory.get_all()["nodes"]) == ["before the silence", "into the silence"]
        assert memory.check() == []


@pytest.mark.parametrize("replies_before", range(1, 9))
def test_a_connection_cut_at_any_reply_writes_once(proxy: Proxy, replies_before: int) -> None:
    """The n-th reply and all after it are lost once: before, at and after the commit."""
    with through(proxy, timeout=20.0) as memory:
        memory.add("warm")
        seen = 0

        def cut(_: bytes) -> bool:
            nonlocal seen
            seen += 1
            return seen == replies_before

        proxy.on_reply = cut
        try:
            memory.add("Anna lives in Lisbon.", operation_id="once")
        except StoreUnavailableError:
            proxy.on_reply = None
            memory.add("Anna lives in Lisbon.", operation_id="once")
        proxy.on_reply = None
        assert sorted(n["memory"] for n in memory.get_all()["nodes"]) == ["Anna lives in Lisbon.", "warm"]
        assert memory.stats().operations == 2
        assert memory.check() == []


def test_the_acknowledgement_of_the_commit_is_lost(proxy: Proxy) -> None:
    """The server commits, its answer never arrives: the repeated transaction finds the operation and writes nothing."""
    with through(proxy, timeout=20.0) as memory:
        memory.add("warm")
        store = memory.store
        direct = TreeTextMemory.open(f"bolt://127.0.0.1:{proxy._target}", cube=memory.cube_id, embedder=HashEmbedder())
        cut: list[bool] = []

        def after_the_commit(_: bytes) -> bool:
            if not cut and direct.store.operations(memory.cube_id, ids=["lost"]):
                cut.append(True)
                return True
            return False

        proxy.on_reply = after_the_commit
        memory.add("Anna lives in Lisbon.", operation_id="lost")
        proxy.on_reply = None
        assert cut == [True]
        assert store.counts(memory.cube_id)["states"] == 2
        assert memory.check() == []
        direct.close()


def test_a_server_that_is_not_there() -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailableError, match="check that Neo4j runs"):
        TreeTextMemory.open("bolt://127.0.0.1:9", embedder=HashEmbedder(), timeout=5)
    assert time.monotonic() - started < 8


def test_a_uri_that_is_none() -> None:
    with pytest.raises(ConfigError, match="unknown"):
        TreeTextMemory.open("postgres://localhost")
    assert issubclass(StoreUnavailableError, StoreError)


def threads() -> list[str]:
    """The threads of connections that live."""
    return [t.name for t in threading.enumerate() if t.name.startswith("treemem-neo4j")]


def test_no_thread_is_left_after_closing(neo4j_uri: str) -> None:
    before = len(threads())
    memory = TreeTextMemory.open(neo4j_uri, cube=fresh_cube("threads"), embedder=HashEmbedder())
    many = [threading.Thread(target=memory.stats) for _ in range(100)]
    for each in many:
        each.start()
    for each in many:
        each.join()
    assert len(threads()) > before
    memory.close()
    assert len(threads()) == before
    memory.close()
    with pytest.raises(StoreUnavailableError, match="is closed; open it again"):
        memory.stats()


def test_closing_ends_what_still_waits(proxy: Proxy) -> None:
    """A thread that waits for a silent server ends with close(), and its caller hears of it."""
    before = len(threads())
    memory = through(proxy, timeout=60.0)
    memory.add("before")
    proxy.silent.set()
    heard: list[BaseException] = []

    def call() -> None:
        try:
            memory.stats()
        except StoreUnavailableError as error:
            heard.append(error)

    waiting = threading.Thread(target=call)
    waiting.start()
    time.sleep(0.5)
    started = time.monotonic()
    memory.close()
    waiting.join(5)
    assert time.monotonic() - started < 6
    assert "was closed during the call" in str(heard[0])
    assert len(threads()) == before


def test_a_call_that_is_given_up_leaves_the_others_alone(proxy: Proxy) -> None:
    """One connection falls silent; those beside it, in use at that moment, go on and are used again."""
    with through(proxy, timeout=20.0) as memory:
        memory.add({"id": "a", "memory": "before"})
        connection = memory.store._connection  # type: ignore[attr-defined]
        inside, done = threading.Event(), threading.Event()
        drivers: list[int] = []

        def slow(tx: Transaction) -> str:
            inside.set()
            assert done.wait(15)
            tx.run(statement("counts"), cube="nobody's")
            return "done"

        found: list[str] = []
        beside = threading.Thread(target=lambda: found.append(connection.read(slow)))
        beside.start()
        assert inside.wait(10)
        drivers = [id(lane.driver) for lane in connection._lanes._all]
        with pytest.raises(StoreTimeoutError, match=r"no answer within 0\.300 seconds"):
            connection.read(lambda tx: done.wait(1.0) or tx.run(statement("counts"), cube="nobody's"), 0.3)
        assert memory.get("a").memory == "before"
        done.set()
        beside.join(10)
        assert found == ["done"]
        assert set(drivers) & {id(lane.driver) for lane in connection._lanes._all}


def test_a_driver_that_does_not_close_in_order_is_only_told_of(caplog: pytest.LogCaptureFixture) -> None:
    """One thread closes a driver while another one writes: it may fail with anything, and nobody waits for it."""

    class Torn:
        def close(self) -> None:
            raise BufferError("Existing exports of data: object cannot be re-sized")

    def late(lane: Lane) -> None:
        assert lane.driver
        time.sleep(0.4)

    lanes = Lanes(Torn, 5.0, owned=True)  # type: ignore[arg-type]
    with caplog.at_level(logging.INFO, "treemem.store"), pytest.raises(TimeoutError):
        lanes.begin(late, 0.1)()
    assert lanes.close(5.0) == 0
    assert "BufferError" in caplog.text


def test_bookmarks_go_from_write_to_read_and_to_other_processes(
    neo4j_uri: str, caplog: pytest.LogCaptureFixture
) -> None:
    def begun(call: object) -> list[str]:
        """What the transactions of a call began with."""
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="neo4j"):
            call()  # type: ignore[operator]
        return [r.getMessage() for r in caplog.records if "C: BEGIN" in r.getMessage()]

    cube = fresh_cube("marks")
    with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder(), record_usage=False) as memory:
        (one,) = memory.add("Anna lives in Lisbon.", at="2020-01-01")
        marks = memory.bookmarks()
        assert len(marks) == 1
        assert all(isinstance(mark, str) for mark in marks)
        views = (memory, memory.cube(cube), memory.for_caller("anna"), memory.with_clock(FakeClock()))
        for view in views:
            # A read brings a newer bookmark where others write to the same server.
            marks = memory.bookmarks()
            (begin,) = begun(lambda view=view: view.get(one))
            assert marks[0] in begin
        marks = memory.bookmarks()
        memory.cube(fresh_cube("marks")).add("elsewhere")
        assert memory.bookmarks() != marks
        assert len(memory.bookmarks()) == 1
        with TreeTextMemory.open(
            neo4j_uri, cube=cube, embedder=HashEmbedder(), record_usage=False, bookmarks=memory.bookmarks()
        ) as other:
            assert other.get(one).memory == "Anna lives in Lisbon."
        with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder(), record_usage=False) as other:
            memory.cube(fresh_cube("marks")).add("after the other opened")
            given = memory.bookmarks()
            waited = begun(lambda: other.wait_for(given))
            assert given[0] in waited[0]
            marks = other.bookmarks()
            (begin,) = begun(lambda: other.get(one))
            assert marks[0] in begin
            with pytest.raises(InvalidInputError, match="bookmarks: wanted texts"):
                other.wait_for([3])  # type: ignore[list-item]
            for nonsense in ("nonsense", " \n", "FB:nonsense", "\ud800", "ab"):
                with pytest.raises(InvalidInputError, match="bookmarks"):
                    other.wait_for([nonsense])
                assert other.get(one).memory == "Anna lives in Lisbon."


def test_the_embedded_store_needs_no_bookmarks(tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder(), bookmarks=["of a server"]) as memory:
        memory.add("note")
        memory.wait_for(["of a server"])
        assert memory.bookmarks() == []
        with pytest.raises(InvalidInputError, match="bookmarks: wanted texts"):
            memory.wait_for([None])  # type: ignore[list-item]


def test_a_driver_of_ones_own_is_quiet_and_left_open(neo4j_uri: str, caplog: pytest.LogCaptureFixture) -> None:
    with plain_driver(neo4j_uri) as driver:
        with (
            caplog.at_level(logging.DEBUG, logger="neo4j.notifications"),
            TreeTextMemory.open(driver=driver, cube=fresh_cube("own"), embedder=HashEmbedder()) as memory,
        ):
            memory.add("Anna lives in Lisbon.")
            assert memory.search("Where does Anna live?")[0].memory == "Anna lives in Lisbon."
            assert memory.check() == []
            assert len(memory.bookmarks()) == 1
        assert [r.getMessage() for r in caplog.records if r.name == "neo4j.notifications"] == []
        driver.verify_connectivity()


def test_a_driver_of_another_kind_is_refused(neo4j_uri: str) -> None:
    wrong = neo4j.AsyncGraphDatabase.driver(neo4j_uri)
    with pytest.raises(ConfigError, match=r"wanted a neo4j\.Driver.*found Async.*AsyncTreeTextMemory takes"):
        TreeTextMemory.open(driver=wrong, embedder=HashEmbedder())  # type: ignore[arg-type]
    asyncio.run(wrong.close())
    with pytest.raises(ConfigError, match=r"wanted a neo4j\.Driver.*found str"):
        TreeTextMemory.open(driver=neo4j_uri, embedder=HashEmbedder())  # type: ignore[arg-type]


class Long(HashEmbedder):
    """Vectors longer than an index takes."""

    name = "test/long"

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension

    def embed(self, texts: object) -> object:
        import numpy as np

        return np.ones((len(texts), self.dimension), dtype=np.float32) / self.dimension**0.5  # type: ignore[arg-type]


def test_vectors_too_long_are_refused_on_opening(neo4j_uri: str, tmp_path: Path) -> None:
    cube = fresh_cube("long")
    with pytest.raises(ConfigError, match=r"4097 dimensions, Neo4j indexes at most 4096.*embedded store"):
        TreeTextMemory.open(neo4j_uri, cube=cube, embedder=Long(4_097))
    with TreeTextMemory.open(tmp_path / "m.db", cube=cube, embedder=Long(4_097)) as memory:
        memory.add("note")
    with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder()) as memory:
        over = TreeTextMemory(TreeTextMemoryConfig(cube=cube), embedder=Long(4_097), store=memory.store)
        with pytest.raises(InvalidInputError, match="at most 4096; nothing was written"):
            over.add("note")
        assert memory.store.cube(cube) is None
    with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=Long(4_096)) as memory:
        assert len(memory.add("note")) == 1
        memory.store.erase(cube)


def test_routing_uris_work_too(neo4j_uri: str) -> None:
    """`neo4j://` asks the server for its routing table; reads go to readers."""
    with TreeTextMemory.open(
        neo4j_uri.replace("bolt://", "neo4j://"), cube=fresh_cube("route"), embedder=HashEmbedder()
    ) as memory:
        memory.add("Anna lives in Lisbon.")
        assert memory.search("Where does Anna live?")[0].memory == "Anna lives in Lisbon."


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[str]:
    yield from started_server(tmp_path, heap="512m", password="right-password")


def test_a_wrong_password_is_told(locked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ({}, {"password": "wrong-password"}, {"user": "nobody", "password": "right-password"}):
        with pytest.raises(StoreError, match="refused the user name or password") as caught:
            TreeTextMemory.open(locked, embedder=HashEmbedder(), **wrong)
        assert not isinstance(caught.value, StoreUnavailableError)
        assert "wrong-password" not in str(caught.value)
    monkeypatch.setenv("TREEMEM_NEO4J_USER", "neo4j")
    monkeypatch.setenv("TREEMEM_NEO4J_PASSWORD", "right-password")
    with TreeTextMemory.open(locked, embedder=HashEmbedder()) as memory:
        memory.add("let in")
        assert memory.check() == []
        assert "right-password" not in repr(memory.store) + repr(vars(memory.store))
