"""import_, export, to_networkx, from_networkx: cubes into files of other programs and back."""

from __future__ import annotations

import io
import json
import stat
import uuid
from pathlib import Path
from typing import Any

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, day
from treemem import InvalidInputError, NotAllowedError, TreeTextMemory
from treemem.exchange import graphml
from treemem.exchange.moving import FORMATS


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
        "memory_type": "RawFileMemory",
        "status": "resolving",
        "type": "doc",
        "version": 3,
        "updated_at": "2024-01-14T00:00:00.000000000+00:00",
        "history": [{"version": 2, "memory": "older"}],
        "file_ids": ["f1"],
        "memory_time": "some day",
    }
    assert memory.get("a").metadata.confidence == 100.0
    found = {(e["source"], e["type"], e["target"]): e.get("properties") for e in memory.get_all()["edges"]}
    assert found == {
        ("b", "DERIVED_FROM", "a"): {"memos": ["SUMMARY", "MATERIAL"]},
        ("c", "FOLLOWS", "a"): {"memos": ["FOLLOWING", "PRECEDING"]},
        ("c", "DERIVED_FROM", "a"): {"memos": ["INFERS"]},
        ("b", "DERIVED_FROM", "c"): {"memos": ["AGGREGATE_TO"]},
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
    memory.undo(first.id)
    assert memory.get_all() == {"nodes": [], "edges": []}


@pytest.mark.parametrize("shape", ["naive", "general"])
def test_lists_of_memos_are_read(memory: TreeTextMemory, tmp_path: Path, shape: str) -> None:
    node = theirs("7", type="opinion", confidence=90.0, visibility="session", updated_at="2025-06-03T00:00:00")
    listed = [node] if shape == "naive" else [{"id": "7", "vector": [0.5] * 768, "payload": node}]
    memory.import_(written(tmp_path / "textual_memory.json", listed))
    item = memory.get("7")
    assert (item.memory, item.metadata.type, item.metadata.confidence) == ("memory 7", "opinion", 90.0)
    assert (item.metadata.visibility, item.metadata.info["visibility"]) == ("private", "session")
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
    memory.link("ben", "FOLLOWS", own, at=day(1))
    memory.link(own, "WORKS_AT", "ben", properties={"since": 1}, at=day(1))
    path = memory.export(tmp_path / "out.json")
    file = json.loads(path.read_text("utf-8"))
    assert (file["total_nodes"], file["total_edges"]) == (2, 2)
    for node in file["nodes"]:
        uuid.UUID(node["id"])
        assert node.keys() == {"id", "memory", "metadata"}
        assert {"created_at", "updated_at", "memory_type", "status", "sources", "usage"} <= node["metadata"].keys()
        assert node["metadata"]["memory_type"] in ("LongTermMemory", "RawFileMemory")
    assert {(e["type"], *sorted(e)) for e in file["edges"]} == {
        ("PRECEDING", "source", "target", "type"),
        ("WORKS_AT", "source", "target", "type"),
    }
    copy = memory.cube(memory.cube_id + "-copy")
    assert copy.import_(path).memories == 2
    (nodes, edges), (again, joined) = told(memory), told(copy)
    assert [(n["id"], n["memory"]) for n in again] == [(n["id"], n["memory"]) for n in nodes]
    assert {(e["source"], e["type"], e["target"]) for e in joined} == {
        (e["source"], e["type"], e["target"]) for e in edges
    }
    item = copy.get(own).metadata
    assert (item.confidence, item.tags, item.type, item.valid_from) == (80, ["choir"], "fact", day(0))
    assert item.info.keys() == {"k", "updated_at"}


def test_their_names_go_back_out(memory: TreeTextMemory, tmp_path: Path) -> None:
    a, b = str(uuid.uuid4()), str(uuid.uuid4())
    edges = [{"source": a, "target": b, "type": "SUMMARY"}, {"source": b, "target": a, "type": "MATERIAL"}]
    node = theirs(a, memory_type="RawFileMemory", status="resolving", type="doc")
    memory.import_(written(tmp_path / "in.json", {"nodes": [node, theirs(b)], "edges": edges}))
    out = json.loads(memory.export(tmp_path / "out.json").read_text("utf-8"))
    assert sorted(out["edges"], key=str) == sorted(edges, key=str)
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
    plain = graphml.flat(memory.to_networkx())
    for write in (nx.write_graphml, nx.write_gexf, nx.write_gml):
        write(plain, io.BytesIO())
    explained = memory.search("Who knows Ann?", explain=True).explanation
    assert explained is not None
    for write in (nx.write_graphml, nx.write_gexf, nx.write_gml):
        write(explained.graph(), io.BytesIO())


def test_graphs_of_others_are_read(memory: TreeTextMemory) -> None:
    graph = nx.Graph()
    graph.add_node(1, label="Berlin", population=3_700_000, tags="city")
    graph.add_node("Anna", type="Person", born=None)
    graph.add_edge("Anna", 1, label="lives in", weight=0.5, since=2021)
    graph.add_edge("Anna", "Ben")
    done = memory.from_networkx(graph)
    assert (done.memories, done.edges) == (3, 2)
    assert memory.get("1").memory == "Berlin"
    assert memory.get("1").metadata.info == {"population": 3_700_000}
    assert memory.get("1").metadata.tags == ["city"]
    assert memory.get("Anna").metadata.info == {"type": "Person"}
    found = {n.id: (n.type, n.weight, n.properties) for n in memory.neighbours("Anna")}
    assert found["1"] == ("LIVES_IN", 0.5, {"since": 2021, "label": "lives in"})
    assert found["Ben"][0] == "RELATES_TO"
    with pytest.raises(InvalidInputError, match="networkx"):
        memory.from_networkx({"nodes": []})  # type: ignore[arg-type]


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
    'attr.type="string"/><graph edgedefault="directed"><node id="a"><data key="k">{</data></node></graph></graphml>',
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
    for name in ("b.json", "b.graphml"):
        assert "secret" not in ben.export(tmp_path / name).read_text("utf-8")
    assert "hers" not in ben.to_networkx()
    with pytest.raises(NotAllowedError):
        ben.export(tmp_path / "b.jsonl")
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
