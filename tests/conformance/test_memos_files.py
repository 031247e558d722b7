"""MemOS's names of edges, and its files: odd ones, and ours that come back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers import HashEmbedder, day
from treemem import EdgeType, InvalidChangeError, NotAllowedError, SearchOptions, TreeTextMemory

#: MemOS's names, the types they mean, and whether source and target change places.
NAMES = [
    ("CAUSE", "CAUSES", False),
    ("RELATE", "RELATES_TO", False),
    ("CONFLICT", "CONTRADICTS", False),
    ("MERGED_TO", "MERGED_INTO", False),
    ("PRECEDING", "FOLLOWS", False),
    ("FOLLOWING", "FOLLOWS", True),
    ("MATERIAL", "DERIVED_FROM", False),
    ("AGGREGATE_TO", "DERIVED_FROM", False),
    ("SUMMARY", "DERIVED_FROM", True),
    ("INFERS", "DERIVED_FROM", True),
]


def written(path: Path, data: Any) -> Path:
    path.write_text(json.dumps(data), "utf-8")
    return path


def three(memory: TreeTextMemory) -> None:
    memory.add([{"id": name, "memory": f"memory {name}"} for name in "abc"], at=day(0))


def edges(memory: TreeTextMemory) -> list[tuple[str, str, str]]:
    found = memory.get_all()["edges"]
    return sorted((e["source"], e["type"], e["target"]) for e in found if e["target_kind"] == "memory")


def exported(memory: TreeTextMemory, path: Path) -> list[tuple[str, str, str]]:
    file = json.loads(memory.export(path).read_text("utf-8"))
    ids = {n["id"]: n["metadata"]["treemem"].get("id", n["id"]) for n in file["nodes"]}
    return sorted((ids[e["source"]], e["type"], ids[e["target"]]) for e in file["edges"])


@pytest.mark.parametrize(("name", "kind", "turned"), NAMES)
def test_a_name_of_memos_is_understood_everywhere(
    memory: TreeTextMemory, tmp_path: Path, name: str, kind: str, turned: bool
) -> None:
    nodes = [{"id": i, "memory": f"memory {i}", "metadata": {"created_at": "2025-01-01"}} for i in "abc"]
    file = {"nodes": nodes, "edges": [{"source": "a", "target": "b", "type": name}]}
    memory.import_(written(tmp_path / "in.json", file))
    joined = [("b", kind, "a") if turned else ("a", kind, "b")]
    assert edges(memory) == joined
    for types in ([name], [EdgeType(name)], [name, "WORKS_AT"]):
        assert [n.id for n in memory.neighbours("a", types=types)] == ["b"]
        assert [n.id for n in memory.neighbours("a", types=types, direction="out")] == ["b"]
        assert memory.neighbours("a", types=types, direction="in") == []
        assert [n.id for n in memory.neighbours("b", types=types, direction="in")] == ["a"]
        assert len(memory.subgraph(["a"], 1, types=types).edges) == 1
        assert memory.path("a", "b", types=types, directed=True) is not None
        assert memory.path("b", "a", types=types, directed=True) is None
        assert memory.path("b", "a", types=types) is not None
    hits = memory.search("memory a", options=SearchOptions(vector_limit=0, edge_types=(EdgeType(name),)))
    assert "b" in {hit.id for hit in hits}
    before = memory.export(tmp_path / "before.json").read_text("utf-8")
    memory.link("a", name, "b", at="2025-01-01")  # is the same edge
    assert edges(memory) == joined
    assert json.loads(memory.export(tmp_path / "after.json").read_text("utf-8")) == json.loads(before)
    memory.unlink("a", name, "b")
    assert edges(memory) == []
    assert memory.check() == []


def test_what_a_name_narrows_is_kept_and_goes_back_out(memory: TreeTextMemory, tmp_path: Path) -> None:
    three(memory)
    memory.link("a", "INFERS", "b", properties={"by": "me"})
    memory.link("c", "MATERIAL", "a")
    assert memory.neighbours("b", types=["DERIVED_FROM"])[0].properties == {"by": "me", "memos_types": ["INFERS"]}
    assert exported(memory, tmp_path / "out.json") == [("a", "INFERS", "b"), ("c", "MATERIAL", "a")]
    memory.purge("a", reason="asked for")  # what was made from it goes with it, as with DERIVED_FROM
    assert memory.get_all()["nodes"] == []


def old(memory: TreeTextMemory, tmp_path: Path) -> TreeTextMemory:
    """A cube from an archive whose edges have MemOS's names as types of their own, as earlier versions made them."""
    three(memory)
    memory.link("a", "XINFERS", "b", properties={"n": 1}, at=day(0))
    memory.link("a", "XSUMMARY", "b", at=day(0))
    path = memory.export(tmp_path / "new.jsonl")
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    from treemem.exchange import archive, format

    cube = memory.cube(memory.cube_id + "-old")
    rewritten = tmp_path / "old.jsonl"
    head, *rows = lines[:-1]
    from treemem.canonical import canonical_json

    summed = format.Summed(path.read_text("utf-8").split("\n", 1)[0])
    out = [path.read_text("utf-8").split("\n", 1)[0]]
    for row in rows:
        kind = next(k for k in row if k != "sha256")
        if kind == "edge":
            row[kind]["type"] = row[kind]["type"].removeprefix("X")
        digest = format.record_hash(kind, canonical_json(row[kind]))
        summed.add(digest)
        row["sha256"] = digest
        out.append(json.dumps(row, ensure_ascii=False))
    out.append(json.dumps({"end": len(rows), "sha256": summed.hex()}))
    rewritten.write_text("\n".join(out) + "\n", "utf-8")
    assert archive.hash_in(rewritten)
    assert head
    cube.import_(rewritten)
    return cube


def test_types_of_such_a_name_that_are_there_stay_what_they_are(memory: TreeTextMemory, tmp_path: Path) -> None:
    cube = old(memory, tmp_path)
    assert edges(cube) == [("a", "INFERS", "b"), ("a", "SUMMARY", "b")]
    assert exported(cube, tmp_path / "out.json") == [("a", "INFERS", "b"), ("a", "SUMMARY", "b")]
    assert [n.type for n in cube.neighbours("a", types=["INFERS"], direction="out")] == ["INFERS"]
    for number, come in enumerate(
        (
            lambda copy: copy.import_(tmp_path / "out.json"),
            lambda copy: copy.from_networkx(cube.to_networkx()),
            lambda copy: copy.import_(cube.export(tmp_path / "g.graphml")),
        )
    ):
        copy = memory.cube(f"{memory.cube_id}-{number}")
        come(copy)
        assert edges(copy) == edges(cube)
    cube.unlink("a", "INFERS", "b")
    assert edges(cube) == [("a", "SUMMARY", "b")]
    with pytest.raises(InvalidChangeError):
        cube.unlink("a", "INFERS", "b")
    cube.link("a", "SUMMARY", "b")
    assert edges(cube) == [("a", "SUMMARY", "b"), ("b", "DERIVED_FROM", "a")]


ODD: list[tuple[str, Any, dict[str, Any]]] = [
    ("key", 5, {}),
    ("confidence", 150, {}),
    ("confidence", True, {}),
    ("confidence", float("nan"), {}),
    ("confidence", 10**400, {}),
    ("confidence", "sure", {}),
    ("background", ["x"], {}),
    ("tags", {"a": 1}, {}),
    ("entities", 5, {}),
    ("usage", {"a": 1}, {}),
    ("sources", [{"n": float("nan")}], {}),
    ("sequence", "x", {}),
    ("sequence", 2**70, {}),
    ("sequence", 2**52, {}),
    ("frozen", "maybe", {}),
    ("preference_type", "weird", {}),
    ("memory_time", 2**70, {}),
    ("valid_from", {"a": 1}, {}),
    ("created_at", "soon", {}),
    ("info", "words", {}),
    ("key", "a\0b", {}),
    ("memory_type", ["x"], {"memory_type": "LongTermMemory"}),
    ("conversation_id", 7, {"conversation_id": "7"}),
    ("session_id", 5, {"session_id": "5"}),
    ("agent_id", "x" * 2_000_000, {}),
    ("user_id", ["ann"], {"user_id": '["ann"]'}),
    ("user_id", "a\0", {"user_id": '"a\\u0000"'}),
]


@pytest.mark.parametrize(("name", "value", "read"), ODD, ids=range(len(ODD)))
def test_an_odd_field_does_not_cost_the_memory(
    memory: TreeTextMemory, tmp_path: Path, name: str, value: Any, read: dict[str, Any]
) -> None:
    node = {"id": "a", "memory": "x", "metadata": {"tags": ["t"], "background": "b", name: value}}
    done = memory.import_(written(tmp_path / "m.json", [node]))
    assert (done.memories, done.left_out) == (1, ())
    assert any(name in note for note in done.notes)
    item = memory.get("a").metadata
    for field, wanted in read.items():
        assert getattr(item, field) == wanted
    if name not in ("user_id", "session_id", "agent_id", "conversation_id"):
        assert name in item.info["memos"]
    assert name == "tags" or item.tags == ["t"]
    assert memory.import_(tmp_path / "m.json").memories == 0
    assert memory.check() == []


@pytest.mark.parametrize("value", [float("nan"), 2**70, {"a": [float("inf")]}, "\ud800", {"": 1}, "a\0"])
def test_what_no_store_keeps_is_kept_as_text(memory: TreeTextMemory, tmp_path: Path, value: Any) -> None:
    done = memory.import_(written(tmp_path / "m.json", [{"id": "a", "memory": "x", "metadata": {"foo": value}}]))
    assert (done.memories, len(done.notes)) == (1, 1)
    assert memory.get("a").metadata.info == {"foo": json.dumps(value)}


@pytest.mark.parametrize(
    ("odd", "read"),
    [
        ({"weight": "x"}, {"memos": {"weight": "x"}}),
        ({"weight": 10**400}, {"memos": {"weight": "1" + "0" * 400}}),
        ({"weight": None}, {}),
        ({"confidence": 150}, {"memos": {"confidence": 150}}),
        ({"valid_from": "soon"}, {"memos": {"valid_from": "soon"}}),
        ({"valid_to": 2**70}, {"memos": {"valid_to": str(2**70)}}),
        ({"properties": "str"}, {"memos": {"properties": "str"}}),
        ({"properties": {"a": float("nan"), "b": 1}}, {"a": "NaN", "b": 1}),
        ({"properties": {"memos": 1}, "weight": "x"}, {"memos": 1, "weight": "x"}),
    ],
)
def test_an_odd_field_does_not_cost_the_edge(
    memory: TreeTextMemory, tmp_path: Path, odd: dict[str, Any], read: dict[str, Any]
) -> None:
    nodes = [{"id": i, "memory": f"memory {i}"} for i in "ab"]
    file = {"nodes": nodes, "edges": [{"source": "a", "target": "b", "type": "CAUSE", **odd}]}
    done = memory.import_(written(tmp_path / "m.json", file))
    assert (done.memories, done.edges, done.left_out, bool(done.notes)) == (2, 1, (), bool(read))
    (edge,) = memory.neighbours("a")
    assert (edge.type, edge.weight, edge.confidence, edge.properties) == ("CAUSES", 1.0, 100.0, read)
    assert memory.import_(tmp_path / "m.json").edges == 0


def test_an_owner_who_cannot_be_read_is_nobody_else(memory: TreeTextMemory, tmp_path: Path) -> None:
    node = {"id": "a", "memory": "x", "metadata": {"user_id": {"name": "ann"}}}
    memory.import_(written(tmp_path / "m.json", [node]))
    assert memory.for_caller(user_id="ben").get_all()["nodes"] == []
    with pytest.raises(NotAllowedError):
        memory.for_caller(user_id="ben").import_(written(tmp_path / "n.json", [node | {"id": "b"}]))


def test_confidences_are_read_one_by_one(memory: TreeTextMemory, tmp_path: Path) -> None:
    given = {"a": 0.9, "b": 90, "c": "0.9", "d": 1, "e": "90", "f": 0}
    nodes = [{"id": i, "memory": "x", "metadata": {"confidence": value}} for i, value in given.items()]
    done = memory.import_(written(tmp_path / "m.json", nodes))
    read = [memory.get(i).metadata.confidence for i in given]
    assert read == [90, 90, 90, 100, 90, 0]
    assert any("confidence" in note and "share" in note for note in done.notes)
    alone = memory.cube(memory.cube_id + "-1").import_(written(tmp_path / "m.json", nodes[:1]))
    assert alone.notes == ()


def test_our_export_comes_back_into_its_cube(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add({"id": "k", "memory": "x"}, memory_type="KnowledgeBaseMemory", at=day(0))
    memory.add({"id": "b", "memory": "y"}, confidence=33.3333333333, sources=['{"a": 1}', 5, {"b": 2}, '"q"'], key="")
    memory.add({"id": "s", "memory": "z", "type": "behaviour", "status": "archived"}, info={"updated_at": "x"})
    memory.add({"id": "e", "memory": "e", "memory_type": "UserMemory", "info": {"memos": {"memory_type": "Evil"}}})
    memory.add({"id": "v", "memory": "v", "info": {"memos": 5, "treemem": {"id": "q"}, "version": 7}, "tags": [""]})
    memory.add_messages([{"role": "user", "content": "Clara flew to Oslo."}], conversation_id="talk")
    memory.link("k", "INFERS", "b", at=day(1))
    memory.link("k", "CAUSE", "b", at=day(1), until=day(9_000), weight=2)
    before = memory.get_all()
    path = memory.export(tmp_path / "m.json")
    written_types = {n["metadata"]["memory_type"] for n in json.loads(path.read_text("utf-8"))["nodes"]}
    assert "Evil" not in written_types
    done = memory.import_(path)
    assert (done.memories, done.edges, done.notes) == (
        0,
        0,
        ("edges: INFERS is read as DERIVED_FROM, the other way round (1)",),
    )
    assert memory.get_all() == before
    file = json.loads(path.read_text("utf-8"))
    node = next(n for n in file["nodes"] if n["metadata"]["treemem"].get("id") == "k")
    node["metadata"] |= {"updated_at": "2031-01-01T00:00:00", "confidence": 0.5}  # MemOS changed it
    copy = memory.cube(memory.cube_id + "-copy")
    copy.import_(written(path, file))
    item = copy.get("k").metadata
    assert (item.confidence, item.info) == (50.0, {"updated_at": "2031-01-01T00:00:00"})
    item = copy.get("e").metadata
    assert (item.memory_type, item.info) == ("UserMemory", {"memos": {"memory_type": "Evil"}})


_WORD = st.sampled_from(["memory_type", "status", "type", "source", "visibility", "x", "memos", "treemem", "version"])
_VALUE = st.sampled_from(["Evil", "public", "resolving", "WorkingMemory", 5, None, "", [], {}, 0.5, "2025-01-01"])
_INFO = st.dictionaries(_WORD, _VALUE | st.dictionaries(_WORD, _VALUE, max_size=3), max_size=3)
_FIELDS = st.fixed_dictionaries(
    {"info": _INFO},
    optional={
        "memory_type": st.sampled_from(["UserMemory", "LongTermMemory", "KnowledgeBaseMemory"]),
        "status": st.sampled_from(["activated", "archived", "merged", "generated"]),
        "type": st.sampled_from(["behaviour", "fact"]),
        "key": st.sampled_from(["", "k"]),
        "background": st.sampled_from(["", "b"]),
        "confidence": st.floats(0, 100) | st.sampled_from([0.5, 1, 99]),
        "sources": st.lists(st.sampled_from(['{"a": 1}', '"q"', "[1]", 5, {"n": 1}, "", [1]]), max_size=2),
        "tags": st.lists(st.sampled_from(["", "t"]), max_size=2),
        "sequence": st.integers(0, 5),
        "conversation_id": st.just("talk"),
        "frozen": st.booleans(),
        "valid_to": st.just("2090-01-01"),
        "memory_time": st.just("2024-02-03T04:05:06.789+02:00"),
        "created_at": st.just("2024-02-03"),
    },
)


@settings(max_examples=40)
@given(fields=st.lists(_FIELDS, min_size=1, max_size=3))
def test_any_export_comes_back(tmp_path_factory: Any, fields: list[dict[str, Any]]) -> None:
    folder = tmp_path_factory.mktemp("back")
    with TreeTextMemory.open(folder / "m.db", embedder=HashEmbedder(), cube="a") as memory:
        memory.add([{"id": f"m{i}", "memory": f"memory {i}", "metadata": each} for i, each in enumerate(fields)])
        path = memory.export(folder / "m.json")
        done = memory.import_(path)
        assert (done.memories, done.left_out) == (0, ())
        copy = memory.cube("b")
        copy.import_(path)
        for name in (f"m{i}" for i in range(len(fields))):
            ours, theirs = memory.get(name).metadata, copy.get(name).metadata
            for each in ("version", "recorded_from", "recorded_to", "updated_at", "created_at", "embedding"):
                setattr(ours, each, None)
                setattr(theirs, each, None)
            assert ours == theirs
