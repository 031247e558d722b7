"""py2neo reaches the database of a memory, or says why not."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.helpers import HashEmbedder, fresh_cube
from tests.neo4j_server import driver
from treemem import ConfigError, InvalidInputError, StoreUnavailableError, TreeTextMemory
from treemem.integrations.py2neo import graph


@pytest.mark.neo4j
def test_it_reads_and_writes_beside_the_memory(neo4j_uri: str, request: pytest.FixtureRequest) -> None:
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube(), embedder=HashEmbedder()) as memory:
        memory.add(["Anna sings.", "Ben rows."])
        py = graph(memory)
        request.addfinalizer(py.service.connector.close)
        found = py.run("MATCH (s:State {cube_id: $cube}) RETURN s.memory AS says ORDER BY says", cube=memory.cube_id)
        assert [row["says"] for row in found.data()] == ["Anna sings.", "Ben rows."]
        note = f"note-{memory.cube_id}"
        py.run("CREATE (:OfMyOwn {name: $name})", name=note)
        assert py.nodes.match("OfMyOwn", name=note).count() == 1
        py.run("MATCH (n:OfMyOwn {name: $name}) DELETE n", name=note)
        assert memory.check() == []


@pytest.mark.neo4j
def test_a_connection_that_cannot_be_repeated_is_refused(neo4j_uri: str) -> None:
    with driver(neo4j_uri) as given:
        with TreeTextMemory.open(neo4j_uri, cube=fresh_cube(), embedder=HashEmbedder(), driver=given) as memory:
            with pytest.raises(InvalidInputError, match="driver"):
                graph(memory)


@pytest.mark.neo4j
def test_what_py2neo_says_is_told(neo4j_uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import py2neo

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("no such protocol")

    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube(), embedder=HashEmbedder()) as memory:
        monkeypatch.setattr(py2neo, "Graph", refuse)
        with pytest.raises(StoreUnavailableError, match="no such protocol"):
            graph(memory)


def test_an_embedded_memory_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TreeTextMemory.open(tmp_path / "memory.db", embedder=HashEmbedder()) as memory:
        with pytest.raises(InvalidInputError, match="to_networkx"):
            graph(memory)
        monkeypatch.setitem(sys.modules, "py2neo", None)
        with pytest.raises(ConfigError, match=r"treemem\[py2neo\]"):
            graph(memory)
