"""Graphs of others through networkx and GraphML, and ours for other programs."""

from __future__ import annotations

import enum
import io
import math
import uuid
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest

from tests.helpers import day
from treemem import InvalidInputError, TreeTextMemory


class Colour(enum.Enum):
    RED = "red"


LOOP: list[Any] = []
LOOP += [LOOP, LOOP]
#: Values of attributes, and what becomes of them; ... for what is left out with a note.
VALUES: list[tuple[Any, Any]] = [
    (datetime(2024, 1, 2, 3, tzinfo=UTC), "2024-01-02T03:00:00+00:00"),
    (date(2024, 1, 2), "2024-01-02"),
    (Decimal("1.50"), 1.5),
    (Decimal("3"), 3),
    (Decimal("0.1000000000000000000001"), "0.1000000000000000000001"),
    (Decimal("1e400"), "1E+400"),
    (Decimal("NaN"), ...),
    (float("nan"), ...),
    (np.float32("inf"), ...),
    (np.datetime64("2024-01-02"), "2024-01-02"),
    (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
    (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    (Colour.RED, "red"),
    (2**70, str(2**70)),
    ({"a": (1, {2}), 3: None}, {"a": [1, [2]], "3": None}),
    ([1.0, float("nan")], ...),
    ("a\0b\ud800", "a\ufffdb\ufffd"),
    (b"bytes", ...),
    (object(), ...),
    (LOOP, ...),
    (int, ...),
]


@pytest.mark.parametrize(("value", "read"), VALUES, ids=range(len(VALUES)))
def test_values_of_others_are_converted_or_left_out(memory: TreeTextMemory, value: Any, read: Any) -> None:
    graph = nx.DiGraph()
    graph.add_node("a", label="Ann", odd=value, n=1)
    graph.add_node("b", label="Ben")
    graph.add_edge("a", "b", label="knows", odd=value, n=2)
    done = memory.from_networkx(graph)
    assert (done.memories, done.edges, done.left_out) == (2, 1, ())
    kept = {} if read is ... else {"odd": read}
    assert memory.get("a").metadata.info == {**kept, "n": 1}
    (edge,) = memory.neighbours("a", types=["KNOWS"])
    assert (edge.type, edge.properties) == ("KNOWS", {**kept, "n": 2, "label": "knows"})
    assert [note.split(":")[0] for note in done.notes] == (["edges", "nodes"] if read is ... else [])
    assert memory.from_networkx(graph).memories == 0
    assert memory.check() == []


def test_nodes_of_any_kind_and_times(memory: TreeTextMemory) -> None:
    graph = nx.Graph()
    nodes = [datetime(2024, 1, 2, tzinfo=UTC), Decimal("1.5"), math.nan, "", "a\0", "\ud800", frozenset({1}), 1, "1"]
    for node in nodes:
        graph.add_node(node, created_at=datetime(2024, 1, 2, tzinfo=UTC))
    graph.add_node("late", valid_from="2024-01-02", valid_to="2023-01-01")
    done = memory.from_networkx(graph)
    assert (done.memories, done.left_out) == (len(nodes) + 1, ())
    assert memory.get("1").metadata.valid_from == datetime(2024, 1, 2, tzinfo=UTC)
    assert memory.get("late").metadata.info == {"valid_to": "2023-01-01"}
    assert len(done.notes) == 1


def test_parallel_edges_and_edges_to_itself(memory: TreeTextMemory) -> None:
    graph = nx.MultiDiGraph()
    for year, weight in ((1990, 2), (1999, 3), (1990, 2)):
        graph.add_edge("a", "b", label="visited", year=year, weight=weight)
    graph.add_edge("a", "b", label="loves")
    graph.add_edge("b", "a", label="visited", year=2000)
    graph.add_edge("b", "a", type="VISITED", parallel="mine")
    graph.add_edge("a", "a", label="knows")
    done = memory.from_networkx(graph)
    assert (done.memories, done.edges, done.left_out) == (2, 3, ())
    found = {(n.type, n.direction): (n.weight, n.properties) for n in memory.neighbours("a")}
    assert found == {
        ("VISITED", "out"): (
            2,
            {"label": "visited", "year": 1990, "parallel": [{"weight": 3, "label": "visited", "year": 1999}]},
        ),
        ("LOVES", "out"): (1, {"label": "loves"}),
        ("VISITED", "in"): (1, {"label": "visited", "year": 2000, "parallel": [{"parallel": "mine"}]}),
    }
    assert [note.split(" ")[1] for note in done.notes] == ["a", "parallel"]
    assert memory.from_networkx(graph).edges == 0


def test_properties_that_are_none_and_names_of_memos(memory: TreeTextMemory) -> None:
    """A label of a graph is no word of MemOS's that would bind or turn an edge; `cause` only says what CAUSES does."""
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", label="at", properties="mine")
    graph.add_edge("a", "b", label="in", properties={"x": 1}, y=2)
    for number, label in enumerate(("summary", "INFERS", "merged to", "following", "cause", "parent", "mentions")):
        graph.add_edge("c", f"d{number}", label=label)
    memory.from_networkx(graph)
    assert {n.type: n.properties for n in memory.neighbours("a")} == {
        "AT": {"label": "at", "properties": "mine"},
        "IN": {"label": "in", "x": 1, "y": 2},
    }
    assert {(n.id, n.type, n.direction) for n in memory.neighbours("c")} == {
        ("d0", "SUMMARY", "out"),
        ("d1", "INFERS", "out"),
        ("d2", "MERGED_TO", "out"),
        ("d3", "FOLLOWING", "out"),
        ("d4", "CAUSES", "out"),
        ("d5", "RELATES_TO", "out"),
        ("d6", "RELATES_TO", "out"),
    }


def test_a_memory_may_have_the_id_of_a_name(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add({"id": "first", "memory": "Clara met Anna Weber."}, at=day(0))
    name = next(n.id for n in memory.neighbours("first") if n.kind == "entity")
    memory.add({"id": name, "memory": "a memory with the id of a name, by Clara"}, at=day(0))
    memory.add_messages([{"role": "user", "content": "I sing.", "id": "m"}], conversation_id="t")
    source = next(n.id for m in memory.get_all()["nodes"] for n in memory.neighbours(m["id"]) if n.kind == "source")
    assert memory.get_by_ids([source]) == []
    memory.add({"id": source, "memory": "a memory with the id of a source"}, at=day(0))
    memory.link("first", "KNOWS", name, at=day(0))
    graph = memory.to_networkx()
    assert graph.nodes[name]["kind"] == "memory"
    assert graph.nodes[f"entity {name}"]["kind"] == "entity"
    assert graph.nodes[f"source {source}"]["kind"] == "source"
    assert graph.has_edge("first", f"entity {name}", "MENTIONS")
    assert graph.has_edge("first", name, "KNOWS")
    drawn = memory.subgraph(["first"], 1).to_networkx()
    assert {drawn.nodes[name]["kind"], drawn.nodes[f"entity {name}"]["kind"]} == {"memory", "entity"}
    told = sorted((n["id"], n["memory"]) for n in memory.get_all()["nodes"])
    for number, come in enumerate(
        (
            lambda copy: copy.from_networkx(graph),
            lambda copy: copy.from_networkx(memory.to_networkx(flat=True)),
            lambda copy: copy.import_(memory.export(tmp_path / "g.graphml")),
        )
    ):
        copy = memory.cube(f"{memory.cube_id}-{number}")
        come(copy)
        assert sorted((n["id"], n["memory"]) for n in copy.get_all()["nodes"]) == told
        assert [n.id for n in copy.neighbours("first", types=["KNOWS"])] == [name]


def test_a_flat_graph_is_one_that_writers_take(memory: TreeTextMemory) -> None:
    memory.add([{"id": "a", "memory": "x", "tags": ["t"]}, {"id": "b", "memory": "y \x01"}], info={"k": [1]}, at=day(0))
    memory.link("a", "KNOWS", "b", properties={"deep": [1]}, at=day(0))
    graph = memory.to_networkx(flat=True)
    for write in (nx.write_graphml, nx.write_gexf, nx.write_gml):
        write(graph, io.BytesIO())
    copy = memory.cube(memory.cube_id + "-copy")
    copy.from_networkx(graph)
    assert copy.get("a").metadata.tags == ["t"]
    assert (copy.get("b").memory, copy.get("b").metadata.info) == ("y \x01", {"k": [1]})
    assert copy.neighbours("a")[0].properties == {"deep": [1]}


_HEAD = '<?xml version="1.0" encoding="ISO-8859-1"?>'
_NS = "http://graphml.graphdrawing.org/xmlns"
_KEY = "".join(
    f'<key id="{i}" for="node" attr.name="{n}" attr.type="string"/>' for i, n in (("k", "n__json"), ("l", "label"))
)
_NODE = '<node id="a"><data key="k">{</data><data key="l">Z\u00fcrich</data></node>'
_COMMENT = "<!-- a <graph > and a <!DOCTYPE -->"
BODY = f'<graphml xmlns="{_NS}">{_COMMENT}{_KEY}<graph edgedefault="directed">{_NODE}</graph></graphml>'
FILES = {
    "a comment, and another's __json": BODY.encode(),
    "a byte order mark": b"\xef\xbb\xbf" + BODY.encode(),
    "latin": (_HEAD + BODY).encode("iso-8859-1"),
    "utf-16": BODY.encode("utf-16"),
    "a prefix": (
        f'<g:graphml xmlns:g="{_NS}">{_KEY}<g:graph edgedefault="directed">{_NODE}</g:graph></g:graphml>'.replace(
            "<key", "<g:key"
        )
        .replace("<node", "<g:node")
        .replace("</node", "</g:node")
        .replace("<data", "<g:data")
        .replace("</data", "</g:data")
    ).encode(),
}


@pytest.mark.parametrize("name", FILES)
def test_graphml_of_others(memory: TreeTextMemory, tmp_path: Path, name: str) -> None:
    path = tmp_path / "g.graphml"
    path.write_bytes(FILES[name])
    assert memory.import_(path, format="graphml" if name == "utf-16" else "auto").memories == 1
    item = memory.get("a")
    assert (item.memory, item.metadata.info) == ("Z\u00fcrich", {"n__json": "{"})


@pytest.mark.parametrize(
    "raw",
    [BODY.encode("iso-8859-1"), BODY.replace("<graphml", '<?xml version="1.0" encoding="x-no"?><graphml').encode()],
)
def test_graphml_whose_encoding_is_not_so_is_refused(memory: TreeTextMemory, tmp_path: Path, raw: bytes) -> None:
    path = tmp_path / "g.graphml"
    path.write_bytes(raw)
    with pytest.raises(InvalidInputError, match=r"g\.graphml"):
        memory.import_(path)


def test_ids_of_edges_are_no_types(memory: TreeTextMemory, tmp_path: Path) -> None:
    path = tmp_path / "g.graphml"
    nodes = '<node id="a"/><node id="b"/><edge id="e0" source="a" target="b"/><edge id="e1" source="a" target="b"/>'
    path.write_text(f'<graphml xmlns="{_NS}"><graph edgedefault="directed">{nodes}</graph></graphml>')
    memory.import_(path)
    assert [n.type for n in memory.neighbours("a")] == ["RELATES_TO"]
