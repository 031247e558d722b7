"""Edges of one's own types, and what people say of an edge."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.helpers import day
from tests.neo4j_server import driver
from treemem import EdgeType, InvalidInputError, SearchOptions, TreeTextMemory


def people(memory: TreeTextMemory) -> None:
    memory.add(
        [
            {"id": "ann", "memory": "ann paints"},
            {"id": "yard", "memory": "the yard builds boats"},
            {"id": "town", "memory": "a town by the river"},
        ],
        at=day(0),
    )


def test_an_edge_has_any_type_and_properties(memory: TreeTextMemory) -> None:
    people(memory)
    said = {"since": 2021, "role": "painter", "days": ["mon", 2, None, {"half": 0.5}], "naïve": True}
    memory.link("ann", "WORKS_AT", "yard", properties=said, weight=2, at=day(1))
    (edge,) = memory.neighbours("ann")
    assert (edge.type, edge.id, edge.direction, edge.weight, edge.properties) == ("WORKS_AT", "yard", "out", 2.0, said)
    assert [n.type for n in memory.neighbours("yard", types=["WORKS_AT"], direction="in")] == ["WORKS_AT"]
    assert memory.neighbours("ann", types=["FOLLOWS"]) == []
    graph = memory.subgraph(["ann"], depth=1)
    assert [(e.type, e.properties) for e in graph.edges] == [("WORKS_AT", said)]
    assert graph.plain()["edges"][0]["properties"] == said
    assert memory.get_all()["edges"][0]["properties"] == said
    way = memory.path("yard", "ann")
    assert way is not None
    assert str(way) == "yard <-WORKS_AT- ann"
    assert memory.neighbours("ann", as_of=day(0)) == []
    assert memory.stats().edges == 1
    assert memory.check() == []


def test_properties_are_part_of_what_an_edge_says(memory: TreeTextMemory) -> None:
    people(memory)
    first = memory.link("ann", "KNOWS", "yard", properties={"a": 1, "b": [True]}, at=day(1))
    again = memory.link("ann", "KNOWS", "yard", properties={"b": [True], "a": 1}, at=day(1))
    assert (first.edges_opened, again.edges_opened, again.edges_closed) == (1, 0, 0)
    other = memory.link("ann", "KNOWS", "yard", properties={"a": True, "b": [1]}, at=day(2))
    assert (other.edges_opened, other.edges_closed) == (2, 1)
    assert memory.neighbours("ann", as_of=day(1))[0].properties == {"a": 1, "b": [True]}
    assert memory.neighbours("ann")[0].properties == {"a": True, "b": [1]}
    memory.link("ann", "KNOWS", "yard", at=day(3))
    assert memory.neighbours("ann")[0].properties == {}
    memory.unlink("ann", "KNOWS", "yard", at=day(4))
    assert memory.neighbours("ann") == []
    memory.undo(memory.operations(limit=1)[0].id)
    assert [n.type for n in memory.neighbours("ann")] == ["KNOWS"]
    memory.undo(memory.operations(limit=1)[0].id)
    assert memory.check() == []


def test_properties_are_in_the_hash_and_of_any_mapping(memory: TreeTextMemory) -> None:
    people(memory)
    hashes = set()
    for said in ({"k": 1}, {"k": 2}, MappingProxyType({"k": MappingProxyType({"n": 1})})):
        memory.link("ann", "KNOWS", "yard", properties=said, at=day(1))
        hashes.add(memory.content_hash())
    assert len(hashes) == 3
    assert memory.neighbours("ann")[0].properties == {"k": {"n": 1}}


def test_undo_brings_properties_back(memory: TreeTextMemory) -> None:
    people(memory)
    memory.link("ann", "OWNS", "yard", properties={"share": 0.5}, at=day(1))
    gone = memory.unlink("ann", "OWNS", "yard", at=day(2))
    memory.undo(gone.operation)
    assert memory.neighbours("ann", as_of=day(3))[0].properties == {"share": 0.5}


def test_an_operation_id_stands_for_its_properties(memory: TreeTextMemory) -> None:
    people(memory)
    memory.link("ann", "OWNS", "yard", properties={"share": 1}, operation_id="op")
    assert memory.link("ann", "OWNS", "yard", properties={"share": 1.0}, operation_id="op").repeated
    with pytest.raises(Exception, match="op"):
        memory.link("ann", "OWNS", "yard", properties={"share": 2}, operation_id="op")


def test_a_search_walks_edges_of_ones_own_types(memory: TreeTextMemory) -> None:
    people(memory)
    memory.link("ann", "WORKS_AT", "yard", at=day(0))

    def reached(**options: Any) -> set[str]:
        found = memory.search("ann paints", options=SearchOptions(vector_limit=0, **options))
        return {hit.id for hit in found if hit.path}

    assert reached() == {"yard"}
    assert reached(edge_types=["WORKS_AT", "FOLLOWS"]) == {"yard"}
    assert reached(edge_types=list(EdgeType)) == set()
    memory.unlink("ann", "WORKS_AT", "yard")
    assert reached() == set()


@pytest.mark.parametrize(
    "name",
    ["works_at", "A", "", "STATE_OF", "PASSAGE_OF", "X" * 65, "_A", "A_", "1A", "A B", "A`]-(x)", "ÄB", "MENTIONS"],
)
def test_a_name_that_no_type_can_have_is_refused(memory: TreeTextMemory, name: str) -> None:
    people(memory)
    with pytest.raises(InvalidInputError, match="type"):
        memory.link("ann", name, "yard")
    assert len(memory.operations()) == 1


@pytest.mark.parametrize("wrong", [[1], "x", {1: 2}, {"a": float("nan")}, {"a": object()}, {"a": "\x00"}, {"": 1}])
def test_properties_that_are_no_json_are_refused(memory: TreeTextMemory, wrong: Any) -> None:
    people(memory)
    with pytest.raises(InvalidInputError, match="properties"):
        memory.link("ann", "KNOWS", "yard", properties=wrong)
    assert len(memory.operations()) == 1


def test_the_names_of_the_original_are_understood(memory: TreeTextMemory) -> None:
    people(memory)
    memory.link("ann", "CAUSE", "yard")
    memory.link("town", "FOLLOWING", "yard")  # the yard follows the town
    memory.link("town", "PRECEDING", "ann")
    assert {(e["source"], e["type"], e["target"]) for e in memory.get_all()["edges"]} == {
        ("ann", "CAUSES", "yard"),
        ("yard", "FOLLOWS", "town"),
        ("town", "FOLLOWS", "ann"),
    }
    assert [n.id for n in memory.neighbours("ann", types=["CAUSE"])] == ["yard"]
    memory.unlink("town", "FOLLOWING", "yard")
    assert memory.neighbours("yard", types=["FOLLOWS"]) == []


def test_a_dump_carries_types_and_properties(memory: TreeTextMemory, tmp_path: Path) -> None:
    people(memory)
    memory.link("ann", "WORKS_AT", "yard", properties={"since": 2021}, at=day(1))
    memory.link("ann", "WORKS_AT", "town", at=day(1))
    memory.dump(tmp_path / "dump")
    lines = (tmp_path / "dump/archive.jsonl").read_text("utf-8").splitlines()
    edges = [json.loads(line)["edge"] for line in lines if line.startswith('{"edge"')]
    assert sorted("properties" in edge for edge in edges) == [False, True]
    copy = memory.cube(memory.cube_id + "-copy")
    copy.load(tmp_path / "dump")
    assert copy.get_all()["edges"] == memory.get_all()["edges"]
    (tmp_path / "dump/archive.jsonl").unlink()
    plain = memory.cube(memory.cube_id + "-plain")
    plain.load(tmp_path / "dump")
    assert plain.get_all()["edges"] == memory.get_all()["edges"]
    assert plain.check() == []


def test_what_becomes_part_of_another_hands_its_edges_on(memory: TreeTextMemory) -> None:
    memory.add([{"id": "a", "memory": "The key hangs here."}, {"id": "b", "memory": "The key hangs here"}], at=day(0))
    memory.add({"id": "c", "memory": "the door"}, at=day(0))
    memory.link("b", "OPENS", "c", properties={"turns": 2}, at=day(1))
    memory.link("a", "HANGS_ON", "c", properties={"hook": 1}, at=day(1))
    memory.reorganizer.run(kinds=["deduplicate"])
    (kept,) = {h.id for h in memory.search("The key hangs here.") if h.id != "c"}
    found = {n.type: n.properties for n in memory.neighbours(kept, types=["OPENS", "HANGS_ON"])}
    assert found == {"OPENS": {"turns": 2}, "HANGS_ON": {"hook": 1}}


def test_other_callers_see_neither_edge_nor_properties(memory: TreeTextMemory) -> None:
    memory.for_caller(user_id="ann").add({"id": "hers", "memory": "hers"}, visibility="private")
    memory.add({"id": "open", "memory": "open"}, visibility="public")
    memory.link("open", "TELLS_OF", "hers", properties={"word": "secret"})
    ben = memory.for_caller(user_id="ben")
    assert ben.neighbours("open") == []
    assert "secret" not in str(ben.subgraph(["open"])) + str(ben.get_all())


@pytest.mark.neo4j
def test_relationships_of_others_are_left_alone(open_memory: OpenMemory, neo4j_uri: str, tmp_path: Path) -> None:
    memory = open_memory(store=neo4j_uri)
    people(memory)
    memory.link("ann", "WORKS_AT", "yard", at=day(1))
    with driver(neo4j_uri) as session:
        session.execute_query(
            "MATCH (m:Memory {cube_id: $cube, id: 'ann'}), (n:Memory {cube_id: $cube, id: 'town'}) "
            "CREATE (m)-[:LIKES {since: 1}]->(n), (m)-[:WORKS_AT]->(n), (m)<-[:TICKET]-(:Ticket {cube: $cube}), "
            "(m)-[:ABOUT]->(:Ticket {cube: $cube}), (m)-[:assigned {opened_by: 'bob'}]->(:Ticket {cube: $cube}) "
            "WITH m UNWIND range(1, 250) AS i CREATE (m)<-[:TICKET]-(:Ticket {cube: $cube})",
            cube=memory.cube_id,
        )
    assert [n.id for n in memory.neighbours("ann")] == ["yard"]
    assert [e["target"] for e in memory.get_all()["edges"]] == ["yard"]
    assert memory.check() == []
    assert {hit.id for hit in memory.search("ann paints", options=SearchOptions(vector_limit=0))} == {"ann", "yard"}
    memory.dump(tmp_path / "dump")
    copy = memory.cube(memory.cube_id + "-copy")
    copy.load(tmp_path / "dump")
    assert copy.get_all()["edges"] == memory.get_all()["edges"]
    assert memory.stats().edges == 1
    memory.update("ann", "ann sings")
    assert memory.purge("ann").edges_closed == 1
    assert memory.get_all()["edges"] == []
    with driver(neo4j_uri) as session:
        assert session.execute_query("MATCH (t:Ticket {cube: $c}) DETACH DELETE t RETURN 1", c=memory.cube_id).records
