"""import_, export, to_networkx, from_networkx: cubes into files of other programs and back."""

from __future__ import annotations

import io
import json
import os
import stat
import time
import uuid
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, day
from treemem import InvalidInputError, MemoryExistsError, NotAllowedError, TreememError, TreeTextMemory
from treemem.exchange.formats import FORMATS


def written(path: Path, data: Any) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


def theirs(memory_id: str, **metadata: Any) -> dict[str, Any]:
    return {"id": memory_id, "memory": f"memory {memory_id}", "metadata": metadata}


#: What MemOS writes of a memory, with everything that its model allows and ours does not.
RICH = theirs(
    "b",
    memory_type="RawFileMemory",
    status="resolving",
    type="doc",
    source=None,
    visibility=None,
    confidence=0.99,
    key="",
    tags=None,
    usage=['{"time": "2024-01-14", "info": "used"}'],
    sources=[json.dumps(json.dumps({"type": "chat", "role": "user", "content": "hi"})), '{"type": "doc"}', "words"],
    created_at="2024-01-13T20:51:42.359643000+00:00",
    updated_at="2024-01-14T00:00:00.000000000+00:00",
    background="about b",
    embedding=[0.1] * 1024,
    version=3,
    history=[{"version": 2, "memory": "older"}],
    evolve_to=[],
    file_ids=["f1"],
    memory_time="some day",
)


def test_what_memos_writes_is_read(memory: TreeTextMemory, tmp_path: Path) -> None:
    edges = [
        ("a", "b", "SUMMARY"),
        ("b", "a", "MATERIAL"),
        ("a", "c", "FOLLOWING"),
        ("c", "a", "PRECEDING"),
        ("a", "c", "INFERS"),
        ("b", "c", "AGGREGATE_TO"),
        ("a", "b", "RELATE"),
        ("a", "c", "CAUSE"),
        ("b", "c", "CONFLICT"),
        ("a", "b", "WORKS_WITH"),
    ]
    said = [dict(zip(("source", "target", "type"), edge, strict=True)) for edge in edges]
    file = {"nodes": [theirs("a", confidence=1), RICH, theirs("c")], "edges": said, "total_nodes": 3, "total_edges": 10}
    done = memory.import_(written(tmp_path / "textual_memory.json", file))
    assert (done.format, done.memories, done.left_out) == ("memos", 3, ())
    item = memory.get("b").metadata
    assert (item.memory_type, item.status, item.visibility, item.type, item.key) == (
        "LongTermMemory",
        "activated",
        "private",
        None,
        None,
    )
    assert item.confidence == 99.0
    assert str(item.valid_from) == str(item.created_at) == "2024-01-13 20:51:42.359643+00:00"
    assert item.sources == [{"type": "chat", "role": "user", "content": "hi"}, {"type": "doc"}, "words"]
    assert (item.background, len(item.embedding or ())) == ("about b", 48)
    assert item.info == {
        "memos": {"memory_type": "RawFileMemory", "status": "resolving", "type": "doc", "memory_time": "some day"},
        "version": 3,
        "updated_at": "2024-01-14T00:00:00.000000000+00:00",
        "history": [{"version": 2, "memory": "older"}],
        "file_ids": ["f1"],
    }
    assert memory.get("a").metadata.confidence == 100.0
    found = {(e["source"], e["type"], e["target"]): e.get("properties") for e in memory.get_all()["edges"]}
    assert found == {
        ("b", "DERIVED_FROM", "a"): {"memos_types": ["SUMMARY", "MATERIAL"]},
        ("c", "FOLLOWS", "a"): {"memos_types": ["FOLLOWING", "PRECEDING"]},
        ("c", "DERIVED_FROM", "a"): {"memos_types": ["INFERS"]},
        ("b", "DERIVED_FROM", "c"): {"memos_types": ["AGGREGATE_TO"]},
        ("a", "RELATES_TO", "b"): None,
        ("a", "CAUSES", "c"): None,
        ("b", "CONTRADICTS", "c"): None,
        ("a", "WORKS_WITH", "b"): None,
    }
    assert any("RawFileMemory" in note for note in done.notes)
    assert any("SUMMARY" in note for note in done.notes)
    assert memory.import_(tmp_path).memories == 0  # the folder; again: nothing is new
    assert memory.check() == []
    first = memory.operations()[-1]
    assert done.operation == first.id
    memory.undo(first.id)
    assert memory.get_all() == {"nodes": [], "edges": []}
    assert memory.import_(tmp_path).memories == 3  # what was undone is new again, edges too
    assert {(e["source"], e["type"], e["target"]) for e in memory.get_all()["edges"]} == found.keys()


@pytest.mark.parametrize("shape", ["naive", "general"])
def test_lists_of_memos_are_read(memory: TreeTextMemory, tmp_path: Path, shape: str) -> None:
    node = theirs("7", type="opinion", confidence=90.0, visibility="session", updated_at="2025-06-03T00:00:00")
    listed = [node] if shape == "naive" else [{"id": "7", "vector": [0.5] * 768, "payload": node}]
    memory.import_(written(tmp_path / "textual_memory.json", listed))
    item = memory.get("7")
    assert (item.memory, item.metadata.type, item.metadata.confidence) == ("memory 7", "opinion", 90.0)
    assert (item.metadata.visibility, item.metadata.info["memos"]) == ("private", {"visibility": "session"})
    assert str(item.metadata.valid_from) == "2025-06-03 00:00:00+00:00"
    assert memory.load(tmp_path) == 1


def test_what_cannot_be_read_is_refused_or_told(memory: TreeTextMemory, tmp_path: Path) -> None:
    nodes = [theirs("a"), theirs("b"), theirs("b"), {"id": "c", "memory": " "}, "x", theirs("../d")]
    edges = [
        {"source": "a", "target": "b", "type": "PARENT"},
        {"source": "b", "target": "a", "type": "PARENT"},
        {"source": "a", "target": "z", "type": "CAUSE"},
        {"source": "a", "target": "b", "type": "no type"},
        5,
    ]
    path = written(tmp_path / "m.json", {"nodes": nodes, "edges": edges})
    with pytest.raises(InvalidInputError, match=r"m\.json: nodes\[2\].*comes twice; nothing was imported"):
        memory.import_(path)
    assert memory.stats().operations == 0
    done = memory.import_(path, on_error="skip")
    assert (done.memories, done.edges) == (2, 1)
    places = ["nodes[2]", "nodes[3]", "nodes[4]", "nodes[5]", "edges[1]", "edges[2]", "edges[3]", "edges[4]"]
    assert [where for where, _ in done.left_out] == places
    assert "ancestor" in dict(done.left_out)["edges[1]"]


def test_what_we_write_for_memos_is_as_it_documents_it(memory: TreeTextMemory, tmp_path: Path) -> None:
    own = str(uuid.uuid4())
    memory.add(
        {"id": own, "memory": "Ann sings."}, at=day(0), confidence=80, tags=["choir"], info={"k": 1}, type="fact"
    )
    memory.add({"id": "ben", "memory": "Ben bakes."}, at=day(1), memory_type="KnowledgeBaseMemory")
    memory.freeze("ben")
    memory.link("ben", "FOLLOWS", own, at=day(1))
    memory.link(own, "WORKS_AT", "ben", properties={"since": 1}, at=day(1), until=day(3_000), weight=3, confidence=40)
    path = memory.export(tmp_path / "out.json")
    file = json.loads(path.read_text("utf-8"))
    assert (file["total_nodes"], file["total_edges"]) == (2, 2)
    for node in file["nodes"]:
        uuid.UUID(node["id"])
        assert node.keys() == {"id", "memory", "metadata"}
        assert {"created_at", "updated_at", "memory_type", "status", "sources", "usage"} <= node["metadata"].keys()
        assert node["metadata"]["memory_type"] in ("LongTermMemory", "RawFileMemory")
    assert {e["type"] for e in file["edges"]} == {"PRECEDING", "WORKS_AT"}
    copy = memory.cube(memory.cube_id + "-copy")
    assert copy.import_(path).memories == 2
    (nodes, edges), (again, joined) = told(memory), told(copy)
    assert [(n["id"], n["memory"]) for n in again] == [(n["id"], n["memory"]) for n in nodes]
    assert [n["metadata"]["memory_type"] for n in again] == [n["metadata"]["memory_type"] for n in nodes]
    assert [n["metadata"]["frozen"] for n in again] == [n["metadata"]["frozen"] for n in nodes]
    assert joined == edges
    item = copy.get(own).metadata
    assert (item.confidence, item.tags, item.type, item.valid_from) == (80, ["choir"], "fact", day(0))
    assert item.info == {"k": 1}


def test_their_names_go_back_out(memory: TreeTextMemory, tmp_path: Path) -> None:
    a, b = str(uuid.uuid4()), str(uuid.uuid4())
    edges = [{"source": a, "target": b, "type": "SUMMARY"}, {"source": b, "target": a, "type": "MATERIAL"}]
    node = theirs(a, memory_type="RawFileMemory", status="resolving", type="doc")
    memory.import_(written(tmp_path / "in.json", {"nodes": [node, theirs(b)], "edges": edges}))
    out = json.loads(memory.export(tmp_path / "out.json").read_text("utf-8"))
    back = [{name: edge[name] for name in ("source", "target", "type")} for edge in out["edges"]]
    assert sorted(back, key=str) == sorted(edges, key=str)
    metadata = next(n["metadata"] for n in out["nodes"] if n["id"] == a)
    assert [metadata[n] for n in ("memory_type", "status", "type")] == ["RawFileMemory", "resolving", "doc"]


def grown(memory: TreeTextMemory) -> None:
    memory.add(
        [
            {"id": "ann", "memory": "Ann \x01 sings \u2028 in Ghent & <Lisbon>.", "tags": ["a", "b"], "key": "Ann"},
            {
                "id": "ben",
                "memory": "Ben knows Ann.",
                "info": {"deep": {"n": [1, None]}, "ok": True},
                "confidence": 12.5,
            },
        ],
        at=day(0),
    )
    memory.add_messages([{"role": "user", "content": "Clara flew to Oslo.", "id": "c"}], conversation_id="talk")
    memory.link("ann", "PARENT", "ben", at=day(1))
    memory.link("ben", "WORKS_AT", "ann", at=day(1), until=day(900), properties={"x": [1, {"y": None}], "z": "\x02"})


def told(memory: TreeTextMemory) -> Any:
    """What a cube says now, without what is its own: vectors, versions, and when it was recorded."""
    graph = memory.get_all()
    for node in graph["nodes"]:
        for name in ("embedding", "version", "recorded_from", "updated_at"):
            node["metadata"].pop(name)
    edges = [e for e in graph["edges"] if e["target_kind"] == "memory"]
    return sorted(graph["nodes"], key=lambda n: n["id"]), sorted(edges, key=str)


def test_a_networkx_graph_of_a_cube_comes_back(memory: TreeTextMemory) -> None:
    grown(memory)
    graph = memory.to_networkx()
    assert isinstance(graph, nx.MultiDiGraph)
    assert graph.nodes["ann"]["label"] == "Ann"
    assert graph.nodes["ben"]["info"] == {"deep": {"n": [1, None]}, "ok": True}
    assert graph.edges["ben", "ann", "WORKS_AT"]["properties"] == {"x": [1, {"y": None}], "z": "\x02"}
    assert {d["kind"] for _, d in graph.nodes(data=True)} == {"memory", "entity", "source"}
    copy = memory.cube(memory.cube_id + "-copy")
    assert copy.from_networkx(graph).memories == 3
    assert told(copy) == told(memory)
    assert memory.to_networkx(as_of=day(-1)).number_of_nodes() == 0
    assert copy.check() == []


def test_graphml_comes_back_and_other_writers_take_it(memory: TreeTextMemory, tmp_path: Path) -> None:
    grown(memory)
    path = memory.export(tmp_path / "g.graphml")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    copy = memory.cube(memory.cube_id + "-copy")
    done = copy.import_(path)
    assert (done.format, done.memories, done.edges) == ("graphml", 3, 2)
    assert told(copy) == told(memory)
    read = nx.read_graphml(path)  # as anybody reads it
    assert read.nodes["ben"]["memory"] == "Ben knows Ann."
    plain = memory.to_networkx(flat=True)
    for write in (nx.write_graphml, nx.write_gexf, nx.write_gml):
        write(plain, io.BytesIO())
    explained = memory.search("Who knows Ann?", explain=True).explanation
    assert explained is not None
    for write in (nx.write_graphml, nx.write_gexf, nx.write_gml):
        write(explained.graph(), io.BytesIO())


def test_graphs_of_others_are_read(memory: TreeTextMemory) -> None:
    graph = nx.Graph()
    graph.add_node(
        1, label="Berlin", population=np.int64(3_700_000), tags="city", kind="City", sequence="ACGT", info="x"
    )
    graph.add_node("Anna", type="Person", born=None, weights=np.array([0.5, 1.0]), memory=512)
    graph.add_edge("Anna", 1, label="lives in", weight=np.float64(0.5), since=2021, relation="home")
    graph.add_edge("Anna", "New York")
    graph.add_edge("Anna", (0, "x"), type="mentions", weight=-2)
    done = memory.from_networkx(graph)
    assert (done.memories, done.edges, done.left_out) == (4, 3, ())
    assert memory.get("1").memory == "Berlin"
    assert memory.get("1").metadata.info == {"population": 3_700_000, "kind": "City", "sequence": "ACGT", "info": "x"}
    assert memory.get("1").metadata.tags == ["city"]
    assert memory.get("Anna").metadata.info == {"type": "Person", "weights": [0.5, 1.0], "memory": 512}
    found = {n.item.memory: (n.type, n.weight, n.properties) for n in memory.neighbours("Anna") if n.item is not None}
    assert found["Berlin"] == ("LIVES_IN", 0.5, {"since": 2021, "label": "lives in", "relation": "home"})
    assert found["New York"] == ("RELATES_TO", 1.0, {})
    assert found["(0, 'x')"] == ("RELATES_TO", 1.0, {"type": "mentions", "weight": -2})
    assert memory.from_networkx(graph).memories == 0
    with pytest.raises(InvalidInputError, match="networkx"):
        memory.from_networkx({"nodes": []})  # type: ignore[arg-type]


def test_what_comes_back_is_as_it_was_said(memory: TreeTextMemory, tmp_path: Path) -> None:
    """Neither names nor values of ours are read as somebody else's."""
    said = {"confidence": 0.9, "sources": ['{"type": "x"}', '"q"'], "info": {"treemem": {"id": "zzz"}, "memos": 5}}
    memory.add([{"id": "a", "memory": "x", **said}, {"id": "b", "memory": "y", "confidence": 1}], at=day(0))
    for type in ("A__B", "A_B", "FREE_TYPE"):
        memory.link("a", type, "b", at=day(0), properties={"memos_types": ["hello"], "memos": 7})
    memory.link("b", "LATER", "a", at=day(1), until=day(2), properties={"n": 1})
    memory.link("b", "LATER", "a", at=day(2), properties={"n": 2})
    for number, come in enumerate(
        (
            lambda cube: cube.from_networkx(memory.to_networkx()),
            lambda cube: cube.import_(memory.export(tmp_path / "g.graphml")),
        )
    ):
        copy = memory.cube(f"{memory.cube_id}-{number}")
        come(copy)
        assert told(copy) == told(memory)
    theirs = memory.cube(f"{memory.cube_id}-theirs")
    theirs.import_(memory.export(tmp_path / "m.json"))
    assert [e["type"] for e in told(theirs)[1]] == [e["type"] for e in told(memory)[1]]
    ids = [edge["id"] for edge in _tags(tmp_path / "g.graphml", "edge")]
    assert len(set(ids)) == len(ids) > 3


def _tags(path: Path, name: str) -> list[dict[str, str]]:
    from xml.etree import ElementTree

    return [dict(each.attrib) for each in ElementTree.parse(path).iter() if each.tag.endswith("}" + name)]


@pytest.mark.parametrize("word", ["visibility", "status", "memory_type"])
def test_a_field_of_info_is_no_field_of_the_memory(memory: TreeTextMemory, tmp_path: Path, word: str) -> None:
    value = {"visibility": "public", "status": "deleted", "memory_type": "WorkingMemory"}[word]
    hers = memory.for_caller(user_id="ann")
    hers.add({"id": "s", "memory": "secret", "info": {word: value, "memos": {word: value}}})
    copy = memory.cube(memory.cube_id + "-copy")
    copy.import_(memory.export(tmp_path / "m.json"))
    item = copy.get("s").metadata
    assert (item.visibility, item.status, item.memory_type) == ("private", "activated", "LongTermMemory")
    assert copy.for_caller(user_id="ben").get_all()["nodes"] == []


@pytest.mark.parametrize("size", [2, pytest.param(1_200, marks=pytest.mark.slow)])
def test_a_second_import_adds_what_is_new(memory: TreeTextMemory, tmp_path: Path, size: int) -> None:
    nodes = [theirs(f"n{i}") for i in range(size)]
    edge = {"source": "n0", "target": "n1", "type": "KNOWS"}
    path = written(tmp_path / "m.json", {"nodes": nodes, "edges": []})
    assert memory.import_(path).memories == size
    written(path, {"nodes": nodes, "edges": [edge]})
    done = memory.import_(path)
    assert (done.memories, done.edges) == (0, 1)
    assert [n.type for n in memory.neighbours("n0")] == ["KNOWS"]
    memory.unlink("n0", "KNOWS", "n1")
    assert memory.import_(path).edges == 0
    assert memory.neighbours("n0") == []


def test_what_the_cube_refuses_is_left_out(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add([{"id": "changed", "memory": "other"}, {"id": "gone", "memory": "memory gone"}], at=day(0))
    memory.delete("gone")
    memory.add([{"id": "top", "memory": "memory top"}, {"id": "child", "memory": "memory child"}], at=day(0))
    memory.link("top", "PARENT", "child", at=day(0))
    names = ("changed", "gone", "top", "child", "new")
    nodes = [theirs(name, valid_from=str(day(0))) for name in names]
    edges = [
        {"source": "new", "target": "changed", "type": "KNOWS"},
        {"source": "new", "target": "child", "type": "PARENT"},
        {"source": "top", "target": "new", "type": "KNOWS", "valid_from": str(day(1)), "valid_to": str(day(2))},
        {"source": "new", "target": "top", "type": "KNOWS"},
    ]
    path = written(tmp_path / "m.json", {"nodes": nodes, "edges": edges})
    before = memory.stats().operations
    with pytest.raises(MemoryExistsError, match="nothing was imported"):
        memory.import_(path)
    assert memory.stats().operations == before
    done = memory.import_(path, on_error="skip")
    assert (done.memories, done.edges) == (1, 2)
    assert [where for where, _ in done.left_out] == [
        "changed",
        "gone",
        "new -KNOWS-> changed",
        "new -PARENT-> child",
    ]
    later = {"source": "top", "target": "new", "type": "KNOWS", "valid_from": str(day(2)), "valid_to": None}
    ended = theirs("ended", valid_to=str(day(-9)))
    written(path, {"nodes": [*nodes, ended], "edges": [*edges, later]})
    done = memory.import_(path, on_error="skip")
    assert (done.memories, done.edges) == (0, 1)
    assert "ended" in dict(done.left_out)
    assert memory.check() == []


def test_edges_that_say_two_things_at_once_are_refused(memory: TreeTextMemory, tmp_path: Path) -> None:
    edges = [{"source": "a", "target": "b", "type": "PAID", "properties": {"amount": n}} for n in (5, 5, 7)]
    path = written(tmp_path / "m.json", {"nodes": [theirs("a"), theirs("b")], "edges": edges})
    with pytest.raises(InvalidInputError, match=r"edges\[2\].*comes twice"):
        memory.import_(path)
    assert memory.import_(path, on_error="skip").edges == 1
    links = {"nodes": [theirs("a"), theirs("b")], "links": edges[:1]}
    assert memory.cube(memory.cube_id + "-d3").import_(written(path, links)).edges == 1


def test_nobody_joins_by_a_file_what_is_not_theirs(memory: TreeTextMemory, tmp_path: Path) -> None:
    ben = memory.for_caller(user_id="ben")
    ben.add({"id": "p", "memory": "memory p"})
    memory.correct("p", user_id="ann", visibility="private")
    edges = [
        {"source": "p", "target": "z", "type": "MERGED_INTO"},
        {"source": "z", "target": "p", "type": "SUPERSEDES"},
    ]
    path = written(tmp_path / "m.json", {"nodes": [theirs("p"), theirs("z")], "edges": edges})
    with pytest.raises(TreememError):
        ben.import_(path)
    ben.import_(path, on_error="skip")
    assert [e for e in memory.get_all()["edges"] if e["target_kind"] == "memory"] == []


def test_two_users_import_one_conversation(memory: TreeTextMemory, tmp_path: Path) -> None:
    line = {"messages": [{"role": "user", "content": "I live in Porto."}, {"role": "assistant", "content": "Nice."}]}
    tuning = written(tmp_path / "t.jsonl", json.dumps(line) + "\n" + json.dumps(line))
    messages = [{"uuid": "m-1", "sender": "human", "text": "I keep bees.", "created_at": "2024-01-01T00:00:00Z"}]
    claude = written(tmp_path / "c.json", [{"uuid": "t", "name": "n", "account": {}, "chat_messages": messages}])
    for user in ("ann", "ben"):
        caller = memory.for_caller(user_id=user)
        for path in (tuning, claude):
            assert caller.import_(path).memories > 0
            assert caller.import_(path).memories == 0


@pytest.mark.slow
def test_odd_files_are_refused_soon(memory: TreeTextMemory, backend: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for format in ("auto", "memos", "graphml", "archive", "claude"):
        with pytest.raises(InvalidInputError):
            memory.import_(tmp_path / "fifo", format=format)
    two = [{"id": "a", "memory": "x"}, {"id": "b", "memory": "x"}]
    for odd in (
        {"nodes": [{"id": {"a": 1}, "memory": "x"}]},
        {"nodes": two, "edges": [{"source": ["a"], "target": "b", "type": "KNOWS"}]},
        {"nodes": two, "edges": [{"source": "a", "target": "b", "type": ["KNOWS"]}]},
    ):
        with pytest.raises(InvalidInputError):
            memory.import_(written(tmp_path / "m.json", odd))
        assert memory.import_(tmp_path / "m.json", on_error="skip").left_out
        memory.delete_all()
    size = 3_000 if backend == "sqlite" else 300
    nodes = [theirs(f"n{i}") for i in range(size)]
    chain = [{"source": f"n{i}", "target": f"n{i + 1}", "type": "PARENT"} for i in range(size - 1)]
    started = time.process_time()
    cube = memory.cube(memory.cube_id + "-chain")
    cube.import_(written(tmp_path / "m.json", {"nodes": nodes, "edges": chain}))
    assert time.process_time() - started < 30
    assert len(cube.tree("n0")[0]) == size


def test_an_archive_goes_through_one_file(memory: TreeTextMemory, tmp_path: Path) -> None:
    grown(memory)
    memory.update("ben", "Ben left.", at=day(2))
    path = memory.export(tmp_path / "all.jsonl")
    copy = memory.cube(memory.cube_id + "-copy")
    done = copy.import_(path)
    assert (done.format, done.memories) == ("archive", 3)
    assert told(copy) == told(memory)
    assert [v.item.memory for v in copy.history("ben")] == [v.item.memory for v in memory.history("ben")]
    early = memory.export(tmp_path / "early.jsonl", known_at=memory.operations(limit=1)[0].recorded_at)
    assert early.read_bytes()


def test_chats_come_in_by_the_same_door(memory: TreeTextMemory, tmp_path: Path) -> None:
    talk = [{"role": "user", "content": "I live in Porto."}, {"role": "user", "content": 5}]
    path = written(tmp_path / "talk.json", talk)
    done = memory.import_(path, conversation_id="t", on_error="skip")
    assert (done.format, done.conversations, done.messages, done.memories) == ("messages", 1, 2, 1)
    assert [where for where, _ in done.left_out] == ["t, message 1"]
    with pytest.raises(InvalidInputError, match=r"messages\[1\]"):
        memory.import_(path, conversation_id="u")


def test_formats_are_named(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add("x")
    for wrong in ("word", "claude"):
        with pytest.raises(InvalidInputError, match="format"):
            memory.export(tmp_path / "x", format=wrong)
    with pytest.raises(InvalidInputError, match="format"):
        memory.export(tmp_path / "x.doc")
    with pytest.raises(InvalidInputError, match="format"):
        memory.import_(tmp_path / "x", format="word")
    with pytest.raises(InvalidInputError, match="nowhere"):
        memory.import_(tmp_path / "nowhere")
    for each in FORMATS:
        with pytest.raises(InvalidInputError):
            memory.import_(written(tmp_path / "rubbish", "\x00[rubbish"), format=each.name)
    assert memory.stats().memories == 1


HOSTILE = {
    "an entity": '<!DOCTYPE g [<!ENTITY a "b">]><graphml xmlns="http://graphml.graphdrawing.org/xmlns">&a;</graphml>',
    "cut off": '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph>',
    "no graph": '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"></graphml>',
    "deep": '<graphml xmlns="http://graphml.graphdrawing.org/xmlns">' + "<a>" * 100_000,
    "no key": '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph><node id="a"><data key="k">1</data></node>'
    "</graph></graphml>",
    "no number": '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="k" for="node" attr.name="n" '
    'attr.type="int"/><graph><node id="a"><data key="k">x</data></node></graph></graphml>',
    "no json": '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><key id="k" for="node" attr.name="n__json" '
    'attr.type="string"/><key id="t" for="graph" attr.name="treemem" attr.type="int"/><graph edgedefault="directed">'
    '<data key="t">1</data><node id="a"><data key="k">{</data></node></graph></graphml>',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_graphml_is_refused(memory: TreeTextMemory, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInputError, match=r"g\.graphml"):
        memory.import_(written(tmp_path / "g.graphml", HOSTILE[name]))
    assert memory.stats().operations == 0


def test_callers_move_what_is_theirs(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory = open_memory()
    memory.for_caller(user_id="ann").add({"id": "hers", "memory": "a secret"})
    memory.add({"id": "open", "memory": "for all"}, visibility="public")
    ben = memory.for_caller(user_id="ben")
    for name in ("b.json", "b.graphml", "b.jsonl"):
        assert "secret" not in ben.export(tmp_path / name).read_text("utf-8")
    assert "hers" not in ben.to_networkx()
    with pytest.raises(NotAllowedError):
        ben.export(tmp_path / "b.cypher")
    with pytest.raises(NotAllowedError):
        ben.import_(memory.export(tmp_path / "all.jsonl"))
    done = ben.import_(written(tmp_path / "m.json", [theirs("his")]))
    assert done.memories == 1
    assert ben.get("his").metadata.user_id == "ben"
    with pytest.raises(NotAllowedError):
        ben.import_(written(tmp_path / "m.json", [theirs("other", user_id="ann")]))


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(-1e9, 1e9) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3),
    max_leaves=6,
)
_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=30)


@settings(max_examples=25)
@given(
    texts=st.lists(_TEXT.filter(str.strip), min_size=1, max_size=4),
    said=st.dictionaries(_TEXT, _JSON, max_size=3),
    ends=st.tuples(st.integers(0, 3), st.integers(0, 3)),
)
def test_random_graphs_come_back(tmp_path_factory: Any, texts: list[str], said: dict[str, Any], ends: Any) -> None:
    """Through networkx and GraphML, whatever is said."""
    folder = tmp_path_factory.mktemp("random")
    said = json.loads(json.dumps(said).replace("\\u0000", "0"))
    with TreeTextMemory.open(folder / "m.db", embedder=HashEmbedder(), cube="a") as memory:
        memory.add([{"id": f"m{i}", "memory": text, "info": said} for i, text in enumerate(texts)], at=day(0))
        source, target = (f"m{end % len(texts)}" for end in ends)
        if source != target:
            memory.link(source, "SAYS_OF", target, properties=said, at=day(1))
        memory.cube("b").import_(memory.export(folder / "g.graphml"))
        memory.cube("c").from_networkx(memory.to_networkx())
        assert told(memory.cube("b")) == told(memory.cube("c")) == told(memory)


def test_what_mem0_gives_is_read(memory: TreeTextMemory, tmp_path: Path) -> None:
    first = {
        "id": "a",
        "memory": "Loves pizza",
        "hash": "x",
        "metadata": {"topic": "food"},
        "created_at": "2024-07-01T00:00:00-07:00",
        "updated_at": None,
        "user_id": "alex",
        "categories": ["food"],
        "score": 0.4,
    }
    given = {"results": [first], "relations": [{"source": "alex", "relationship": "loves", "target": "pizza"}]}
    done = memory.import_(written(tmp_path / "m.json", given))
    assert (done.format, done.memories) == ("mem0", 1)
    item = memory.get("a").metadata
    assert (item.user_id, item.tags, str(item.valid_from)) == ("alex", ["food"], "2024-07-01 07:00:00+00:00")
    assert item.info == {"topic": "food", "hash": "x"}
    assert memory.import_(written(tmp_path / "list.json", [first]), format="mem0").memories == 0


def test_the_history_of_mem0_becomes_versions(memory: TreeTextMemory, tmp_path: Path) -> None:
    def event(number: int, kind: str, new: str | None, month: int) -> dict[str, Any]:
        when = f"2024-{month:02}-01T00:00:00Z"
        return {"id": f"e{number}", "memory_id": "a", "event": kind, "new_memory": new, "created_at": when}

    events = [
        event(1, "ADD", "Lives in Porto", 1),
        event(2, "UPDATE", "Lives in Ghent", 3),
        event(3, "DELETE", None, 6),
    ]
    path = written(tmp_path / "h.json", events[::-1])
    for new in (1, 0):
        assert memory.import_(path).memories == new
    assert memory.get("a", as_of="2024-02-01").memory == "Lives in Porto"
    assert memory.get("a", as_of="2024-04-01").memory == "Lives in Ghent"
    assert memory.get_by_ids(["a"], as_of="2024-07-01") == []
    assert memory.check() == []
    bad = [event(4, "UPDATE", "x", 1) | {"memory_id": "b"}, event(5, "NONE", "x", 2), event(6, "ADD", " ", 2)]
    with pytest.raises(InvalidInputError, match=r"events\[0\]"):
        memory.import_(written(tmp_path / "bad.json", bad))
    done = memory.import_(tmp_path / "bad.json", on_error="skip")
    assert sorted(where for where, _ in done.left_out) == ["events[0]", "events[1]", "events[2]"]
    again = memory.cube(memory.cube_id + "-again")
    again.import_(written(path, [*events[:2], events[2] | {"created_at": None}]))  # as mem0 tells some deletions
    assert again.get("a", as_of="2024-02-01").memory == "Lives in Porto"
    assert again.get_by_ids(["a"], as_of="2024-07-01") == []


def test_a_conversation_goes_with_conversations(memory: TreeTextMemory, tmp_path: Path) -> None:
    path = written(tmp_path / "m.json", [theirs("a")])
    with pytest.raises(InvalidInputError, match="conversation_id"):
        memory.import_(path, conversation_id="t")
    with pytest.raises(InvalidInputError, match="remember"):
        memory.import_(path, remember="some")  # type: ignore[arg-type]
    assert memory.stats().operations == 0


def test_what_memos_cannot_say_comes_back_once(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add({"id": "a", "memory": "x"}, memory_type="KnowledgeBaseMemory", at=day(0))
    copy = memory.cube(memory.cube_id + "-copy")
    copy.import_(memory.export(tmp_path / "m.json"))
    item = copy.get("a").metadata
    assert (item.memory_type, item.info) == ("KnowledgeBaseMemory", {})
