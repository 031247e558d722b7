"""A Neo4j database that takes no writes: opened and read as any other, and writing is refused in a sentence."""

from __future__ import annotations

from collections.abc import Iterator

import neo4j
import pytest

from tests.conftest import servers_of_its_own
from tests.helpers import HashEmbedder
from tests.neo4j_server import Server
from treemem import StoreFullError, TreeTextMemory

pytestmark = pytest.mark.neo4j
READ_ONLY = {"server.databases.default_to_read_only": "true"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, neo4j_uri: str) -> Iterator[Server]:
    """A server with two memories, which then takes no writes."""
    for server in servers_of_its_own(tmp_path_factory.mktemp("read-only"), heap="600m"):
        with TreeTextMemory.open(server.uri, cube="kept", embedder=HashEmbedder()) as memory:
            memory.add([{"id": "a", "memory": "Anna lives in Lisbon.", "metadata": {"info": {"n": 1}}}])
            memory.add({"id": "b", "memory": "Ben lives in Porto."})
        server.stop()
        server.settings |= READ_ONLY
        server.start()
        yield server


def test_what_is_there_can_be_read(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    with TreeTextMemory.open(server.uri, cube="kept", embedder=HashEmbedder()) as memory:
        assert memory.search("Where does Anna live?")[0].id == "a"
        assert memory.get("b").memory == "Ben lives in Porto."
        assert [i.id for page in memory.pages(filter={"info.n": 1}) for i in page.items] == ["a"]
        assert memory.check() == []
        assert memory.history("a")
        memory.store.record_usage("kept", {"a": 1}, 0)  # not counted, and not an error
        memory.search("Where does Ben live?")
    assert not [r for r in caplog.records if r.levelname in ("WARNING", "ERROR") and r.name.startswith("treemem")]


def test_writing_is_refused_at_once(server: Server) -> None:
    with TreeTextMemory.open(server.uri, cube="kept", embedder=HashEmbedder()) as memory:
        for write in (
            lambda: memory.add("refused"),
            lambda: memory.update("a", "refused"),
            lambda: memory.link("a", "CAUSES", "b"),
            lambda: memory.delete("a"),
            lambda: memory.purge("a"),
            lambda: memory.cube("other").add("refused"),
        ):
            with pytest.raises(StoreFullError, match=r"is read-only.*nothing was written"):
                write()
        assert memory.get("a").memory == "Anna lives in Lisbon."
        assert memory.stats().operations == 2


@pytest.mark.slow
def test_a_schema_that_lacks_something_is_told(server: Server) -> None:
    server.stop()
    server.settings.clear()
    server.start()
    with neo4j.GraphDatabase.driver(server.uri) as driver:
        driver.execute_query("MATCH (n:TreememMigration {name: '0004_facts'}) DELETE n")
    server.stop()
    server.settings |= READ_ONLY
    server.start()
    with pytest.raises(StoreFullError, match=r"schema lacks 0004_facts, and it cannot be written; open it once"):
        TreeTextMemory.open(server.uri, cube="kept", embedder=HashEmbedder())
