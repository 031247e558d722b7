"""Real network faults between treemem and Neo4j, through a proxy."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.conftest import started_server
from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from tests.proxy import Proxy
from treemem import StoreError, StoreUnavailableError, TreeTextMemory

pytestmark = pytest.mark.neo4j


@pytest.fixture
def proxy(neo4j_uri: str) -> Iterator[Proxy]:
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
    from treemem import ConfigError

    with pytest.raises(ConfigError, match="unknown"):
        TreeTextMemory.open("postgres://localhost")
    assert issubclass(StoreUnavailableError, StoreError)


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
