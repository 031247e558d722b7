"""dump and load, on both stores: nothing is lost, and a damaged archive is refused before anything is written."""

from __future__ import annotations

import base64
import json
import os
import random
import stat
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.archives import Lines, lines_of, mutated, of, said, small, survives, write_back
from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, day, fresh_cube
from treemem import InvalidInputError, TreememError, TreeTextMemory
from treemem.exchange import archive, plain
from treemem.exchange.format import ARCHIVE, GRAPH, VERSION
from treemem.store.protocol import LOADING
from treemem.temporal import END

DEEP: Any = {}
for _ in range(200):
    DEEP = {"a": DEEP}


def vector(*numbers: float) -> str:
    return base64.b64encode(np.array(numbers or [0.5] * 48, dtype="<f4").tobytes()).decode()


def an_edge(lines: Lines, **changed: Any) -> Callable[[], None]:
    edge = dict(next(line["edge"] for line in lines if "edge" in line and line["edge"]["target_kind"] == "memory"))
    return lambda: lines.insert(-1, {"edge": edge | changed, "sha256": ""})


def parents(lines: Lines) -> list[Any]:
    return [line["edge"] for line in lines if "edge" in line and line["edge"]["type"] == "PARENT"]


#: Each changes the lines of a sound archive so that it is none, whatever hashes it has.
FAULTS: dict[str, Callable[[Lines], Any]] = {
    "vector of 3 bytes": lambda ls: of("state", ls).update(embedding="AAAA"),
    "vector empty": lambda ls: of("state", ls).update(embedding=""),
    "vector NaN": lambda ls: of("state", ls).update(embedding=vector(*[float("nan")] * 48)),
    "vector infinite": lambda ls: of("state", ls).update(embedding=vector(*[float("inf")] * 48)),
    "vector zero": lambda ls: of("state", ls).update(embedding=vector(*[0.0] * 48)),
    "vector not of unit norm": lambda ls: of("state", ls).update(embedding=vector()),
    "vector no base64": lambda ls: of("state", ls).update(embedding="é" * 10),
    "vector a number": lambda ls: of("state", ls).update(embedding=7),
    "unknown operation opened": lambda ls: of("state", ls).update(opened_by="ghost"),
    "opened at another time": lambda ls: of("state", ls).update(recorded_from=of("state", ls)["recorded_from"] + 1),
    "open, but closed by": lambda ls: of("state", ls).update(closed_by=of("operation", ls)["id"], recorded_to=END),
    "closed by nobody": lambda ls: of("state", ls).update(recorded_to=ls[0]["clock"], closed_by=None),
    "no memory text": lambda ls: of("state", ls)["fields"].pop("memory"),
    "memory text empty": lambda ls: of("state", ls)["fields"].update(memory=" "),
    "memory text a number": lambda ls: of("state", ls)["fields"].update(memory=3),
    "no created_at": lambda ls: of("state", ls)["fields"].pop("created_at"),
    "created_at a text": lambda ls: of("state", ls)["fields"].update(created_at="2025-01-01"),
    "no status": lambda ls: of("state", ls)["fields"].pop("status"),
    "unknown status": lambda ls: of("state", ls)["fields"].update(status="lost"),
    "unknown field": lambda ls: of("state", ls)["fields"].update(colour="red"),
    "confidence a text": lambda ls: of("state", ls)["fields"].update(confidence="99"),
    "frozen a number": lambda ls: of("state", ls)["fields"].update(frozen=1),
    "tags no list": lambda ls: of("state", ls)["fields"].update(tags="x"),
    "info nested 200 deep": lambda ls: of("state", ls)["fields"].update(info={"d": DEEP}),
    "NUL in a text": lambda ls: of("state", ls)["fields"].update(memory="a\x00b"),
    "half a surrogate": lambda ls: of("state", ls)["fields"].update(memory="a\ud800b"),
    "fields a list": lambda ls: of("state", ls).update(fields=[]),
    "a field of the row is missing": lambda ls: of("state", ls).pop("tokens"),
    "a field of the row is unknown": lambda ls: of("state", ls).update(extra=1),
    "id with a path": lambda ls: of("state", ls).update(memory_id="../../x"),
    "id with escapes": lambda ls: of("state", ls).update(memory_id="x\x1b[2J"),
    "id of two dots": lambda ls: of("state", ls).update(memory_id=".."),
    "id of an operation with a path": lambda ls: of("operation", ls).update(id="../../x"),
    "id of an entity with escapes": lambda ls: of("entity", ls).update(id="\x1b"),
    "version a text": lambda ls: of("state", ls).update(version="1"),
    "version true": lambda ls: of("state", ls).update(version=True),
    "version 0": lambda ls: of("state", ls).update(version=0),
    "version beyond 64 bits": lambda ls: of("state", ls).update(version=1 << 70),
    "a state twice": lambda ls: ls.insert(-1, next(line for line in ls if "state" in line)),
    "a state in the future": lambda ls: of("state", ls).update(recorded_from=ls[0]["clock"] + 1),
    "an interval turned round": lambda ls: of("state", ls).update(valid_to=of("state", ls)["valid_from"]),
    "a time beyond the end": lambda ls: of("state", ls).update(valid_to=END + 1),
    "a time before the beginning": lambda ls: of("state", ls).update(valid_from=-(1 << 62)),
    "a time a fraction": lambda ls: of("state", ls).update(valid_from=1.5),
    "two states at once": lambda ls: next(
        line["state"] for line in ls if "state" in line and line["state"]["closed_by"]
    ).update(closed_by=None, recorded_to=END),
    "edge to an unknown node": lambda ls: of("edge", ls).update(target="nowhere"),
    "edge to a memory as to a name": lambda ls: of("edge", ls).update(
        target="home", target_kind="entity", type="MENTIONS"
    ),
    "edge from an unknown node": lambda ls: of("edge", ls).update(source="nowhere"),
    "edge of an unknown type": lambda ls: of("edge", ls).update(type="LOVES"),
    "edge type a list": lambda ls: of("edge", ls).update(type=[]),
    "mention of a memory": lambda ls: an_edge(ls, type="MENTIONS")(),
    "edge to itself": lambda ls: an_edge(ls, target="top", source="top")(),
    "edge with a weight of text": lambda ls: of("edge", ls).update(weight="1"),
    "edge with a negative weight": lambda ls: of("edge", ls).update(weight=-1),
    "edge with a confidence of 101": lambda ls: of("edge", ls).update(confidence=101),
    "edge twice": lambda ls: an_edge(ls)(),
    "edge that contradicts": lambda ls: an_edge(ls, weight=0.25)(),
    "two parents": lambda ls: ls.insert(-1, {"edge": parents(ls)[-1] | {"source": "top"}, "sha256": ""}),
    "a circle": lambda ls: ls.insert(
        -1, {"edge": parents(ls)[-1] | {"source": "home", "target": "note"}, "sha256": ""}
    ),
    "an operation twice": lambda ls: ls.insert(1, dict(ls[1])),
    "an operation that contradicts": lambda ls: ls.insert(
        1, {"operation": ls[1]["operation"] | {"kind": "undo"}, "sha256": ""}
    ),
    "an operation left out": lambda ls: ls.remove(
        next(each for each in ls if each.get("operation", {}).get("id") == of("state", ls)["opened_by"])
    ),
    "an operation after the clock": lambda ls: of("operation", ls).update(recorded_at=ls[0]["clock"] + 1),
    "an operation's receipt a list": lambda ls: of("operation", ls).update(receipt=[]),
    "an operation's counts a text": lambda ls: of("operation", ls).update(receipt={"states_opened": "many"}),
    "an operation touched a path": lambda ls: of("operation", ls).update(touched=["../x"]),
    "an operation's status": lambda ls: of("operation", ls).update(status="perhaps"),
    "an operation's kind": lambda ls: of("operation", ls).update(kind="\x1b[2J"),
    "an entity twice": lambda ls: ls.insert(-1, next(line for line in ls if "entity" in line)),
    "an entity's name a number": lambda ls: of("entity", ls).update(name=1),
    "a source's time a text": lambda ls: of("source", ls).update(chat_time="now"),
    "a source's content a list": lambda ls: of("source", ls).update(content=[]),
    "kinds out of order": lambda ls: ls.insert(1, ls.pop(next(i for i, line in enumerate(ls) if "edge" in line))),
    "an unknown kind": lambda ls: ls.insert(-1, {"wish": {}, "sha256": ""}),
    "a row that is a text": lambda ls: ls.insert(1, {"operation": "x", "sha256": ""}),
    "a row that is null": lambda ls: ls.insert(-1, {"tombstone": None, "sha256": ""}),
    "a tombstone without a purge": lambda ls: of("tombstone", ls).__setitem__(
        1, of("operation", ls)["recorded_at"] - 7
    ),
    "a tombstone twice": lambda ls: ls.insert(-1, next(line for line in ls if "tombstone" in line)),
    "a tombstone of two": lambda ls: of("tombstone", ls).__delitem__(slice(2, None)),
    "a tombstone of no operation": lambda ls: of("tombstone", ls).__setitem__(3, "nobody"),
    "usage of no memory": lambda ls: ls.insert(-1, {"usage": ["nobody", 1, 0], "sha256": ""}),
    "usage twice": lambda ls: ls.insert(-1, {"usage": ["home", 1, 0], "sha256": ""}) or ls.insert(-1, ls[-2]),
    "usage of nothing": lambda ls: ls.insert(-1, {"usage": ["home", 0, 0], "sha256": ""}),
    "usage at no time": lambda ls: ls.insert(-1, {"usage": ["home", 1, END], "sha256": ""}),
    "cut by nothing": lambda ls: ls[0].update(cut={}),
    "cut by something unknown": lambda ls: ls[0].update(cut={"colour": "red"}),
    "clock beyond the end": lambda ls: ls[0].update(clock=253402300800000000),
    "clock a text": lambda ls: ls[0].update(clock="now"),
    "clock moved back": lambda ls: ls[0].update(clock=of("operation", ls)["recorded_at"] - 1),
    "head without version": lambda ls: ls[0].pop("version"),
    "head without clock": lambda ls: ls[0].pop("clock"),
    "head with more": lambda ls: ls[0].update(more=1),
    "head with a cube of a path": lambda ls: ls[0].update(cube="\x1b[2J"),
    "head with a cube of a list": lambda ls: ls[0].update(cube=[]),
    "head without a model": lambda ls: ls[0].update(embedder=None, dimension=None),
    "head with half a model": lambda ls: ls[0].update(dimension=None),
    "head with a dimension of text": lambda ls: ls[0].update(dimension="48"),
    "head at the beginning of all times": lambda ls: ls[0].update(clock=LOADING),
    "head with another dimension": lambda ls: ls[0].update(dimension=49),
}

#: Bytes that are no archive.
RUBBISH: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut in the middle": lambda data: data[: len(data) // 2],
    "without its last line": lambda data: data.rstrip(b"\n").rpartition(b"\n")[0] + b"\n",
    "without a line": lambda data: b"".join(data.splitlines(keepends=True)[:3] + data.splitlines(keepends=True)[4:]),
    "two lines swapped": lambda data: b"".join(_swapped(data.splitlines(keepends=True))),
    "another behind it": lambda data: data + data,
    "an empty line": lambda data: data + b"\n",
    "nested 5,000 deep": lambda data: _put(data, b'{"operation":' + b'{"a":' * 5_000 + b"1" + b"}" * 5_001),
    "nested 5,000 lists deep": lambda data: _put(data, b"[" * 5_000 + b"]" * 5_000),
    "a line of a number": lambda data: _put(data, b"7"),
    "a number of 6,000 digits": lambda data: _put(data, b'{"operation": ' + b"9" * 6_000 + b"}"),
    "NaN": lambda data: data.replace(b'"weight":1.0', b'"weight":NaN', 1),
    "no UTF-8": lambda data: data.replace(b"Anna", b"An\xff\xfe", 1),
    "no text": lambda data: bytes(range(256)) * 20,
    "a changed word": lambda data: data.replace(b"Anna", b"Anne"),
    "a changed number": lambda data: data.replace(b'"weight":0.5', b'"weight":0.6'),
}


def _put(data: bytes, line: bytes) -> bytes:
    first, _, rest = data.partition(b"\n")
    return first + b"\n" + line + b"\n" + rest


def _swapped(lines: list[bytes]) -> list[bytes]:
    lines[1], lines[2] = lines[2], lines[1]
    return lines


def refused(cube: TreeTextMemory, folder: Path, name: str = "") -> str:
    """Return why an archive is refused; fail, with its lines, if it is not."""
    try:
        loaded = cube.load(folder)
    except InvalidInputError as refusal:
        found = refusal
    else:
        pytest.fail(f"{name}: {loaded} records were loaded from {(folder / ARCHIVE).read_bytes()[:2_000]!r}")
    assert cube.store.cube(cube.cube_id) is None
    assert not any(cube.store.counts(cube.cube_id).values())
    assert len(str(found)) < 1_000
    return str(found)


@pytest.mark.slow
def test_every_fault_is_refused_and_leaves_nothing(memory: TreeTextMemory, tmp_path: Path) -> None:
    small(memory)
    whole = memory.dump(tmp_path / "whole")
    cube = memory.cube(fresh_cube("damaged"))
    for name, fault in FAULTS.items():
        for version, hashed in ((VERSION, True), (VERSION, False), (2, True), (1, False)):
            lines = lines_of(whole)
            fault(lines)
            folder = write_back(tmp_path / "bad", lines, version=version, hashed=hashed)
            for _ in range(2):
                assert "archive" in refused(cube, folder, f"{name}, version {version}, {hashed=}"), name
    data = (whole / ARCHIVE).read_bytes()
    for name, spoil in RUBBISH.items():
        spoilt = spoil(data)
        assert spoilt != data, name
        (tmp_path / "bad" / ARCHIVE).write_bytes(spoilt)
        refused(cube, tmp_path / "bad", name)
    cube.add("still usable")
    assert cube.check() == []


def test_an_error_names_line_and_reason(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add([{"id": "a", "memory": "one"}, {"id": "b", "memory": "two"}])
    lines = lines_of(memory.dump(tmp_path / "x"))
    of("state", lines, 1)["embedding"] = "AAAA"
    number = next(i for i, line in enumerate(lines, start=1) if line.get("state", {}).get("memory_id") == "b")
    cube = memory.cube(fresh_cube("named"))
    message = refused(cube, write_back(tmp_path / "y", lines))
    assert f"line {number}: embedding: 3 bytes, not 4 for each of 48 dimensions" in message
    assert str(tmp_path / "y") in message


def test_both_versions_of_a_sound_archive_load(memory: TreeTextMemory, tmp_path: Path) -> None:
    small(memory)
    lines = lines_of(memory.dump(tmp_path / "x"))
    for version in (1, 2, 3, 4, VERSION):
        cube = memory.cube(fresh_cube("sound"))
        folder = write_back(tmp_path / str(version), lines, version=version)  # spelled otherwise, and still the same
        assert cube.load(folder) == cube.load(folder) == len(lines) - 2
        assert said(cube) == said(memory)
        assert cube.check() == []


def test_random_damage(open_memory: OpenMemory, backend: str, tmp_path: Path) -> None:
    memory = open_memory()
    small(memory)
    data = (memory.dump(tmp_path / "x") / ARCHIVE).read_bytes()
    original = said(memory)
    found = []
    for seed in range(300 if backend == "sqlite" else 8):
        (tmp_path / "x" / ARCHIVE).write_bytes(mutated(data, random.Random(seed)))
        found.append(survives(lambda: memory.cube(fresh_cube("f")), tmp_path / "x", original))
    assert found.count("refused") > len(found) / 2


def test_a_dump_as_known_before_a_purge(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add([{"id": "a", "memory": "Anna sings."}, {"id": "b", "memory": "Ben dances."}])
    before = memory.stats().clock
    memory.purge("a")
    memory.add_messages([{"content": "Said later, by Zoe."}])
    cube = memory.cube(fresh_cube("before"))
    folder = memory.dump(tmp_path / "x", known_at=before)
    cube.load(folder)
    assert cube.check() == []
    assert cube.store.tombstones(cube.cube_id) == []
    assert "Zoe" not in (folder / ARCHIVE).read_text() + (folder / GRAPH).read_text()


def test_only_part_of_the_same_archive_may_be_there(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add({"id": "a", "memory": "one"})
    early = memory.dump(tmp_path / "early")
    memory.update("a", "two")
    late = memory.dump(tmp_path / "late")
    cube = memory.cube(fresh_cube("part"))
    cube.load(early)
    with pytest.raises(InvalidInputError, match="load into an empty cube"):
        cube.load(late)
    assert cube.get("a").memory == "one"
    other = memory.cube(fresh_cube("part"))
    with archive.opened(late / ARCHIVE) as found:  # as after a crash: the first batch alone
        rows = ((kind, row) for _, kind, row in found.rows(other.cube_id))
        info = archive.replace(found.head.info, id=other.cube_id)
        other.store.begin_load(info, found.identity(info))
        other.store.load(next(archive.batches(rows, info)), found.identity(info))
    other.load(late)
    assert said(other) == said(memory)


def test_files_and_folders_are_for_the_owner_alone(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add("secret")
    for umask in (0o000, 0o022, 0o277):
        there = tmp_path / f"new-{umask}"
        old = os.umask(umask)
        try:
            folder = memory.dump(there / "inner")
        finally:
            os.umask(old)
        assert {stat.S_IMODE(p.stat().st_mode) for p in folder.iterdir()} == {0o600}
        assert [stat.S_IMODE(p.stat().st_mode) for p in (there, folder)] == [0o700, 0o700]
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    shared.chmod(0o755)
    memory.dump(shared)
    assert stat.S_IMODE(shared.stat().st_mode) == 0o755
    assert {stat.S_IMODE(p.stat().st_mode) for p in shared.iterdir()} == {0o600}


def test_links_are_not_followed_when_writing(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add("secret")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "passwords").write_text("mine")
    (tmp_path / "link").symlink_to(elsewhere)
    with pytest.raises(InvalidInputError, match="symbolic link"):
        memory.dump(tmp_path / "link")
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in (ARCHIVE, GRAPH):
        (folder / name).symlink_to(elsewhere / "passwords")
        with pytest.raises(InvalidInputError, match="symbolic link"):
            memory.dump(folder)
        (folder / name).unlink()
    assert [p.name for p in elsewhere.iterdir()] == ["passwords"]
    assert (elsewhere / "passwords").read_text() == "mine"
    assert list(folder.iterdir()) == []


def test_what_the_system_refuses_is_told_in_a_sentence(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add("x")
    (tmp_path / "file").write_text("x")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "taken" / ARCHIVE).mkdir(parents=True)
    for place in (
        tmp_path / "file",
        tmp_path / "file" / "inner",
        tmp_path / ("n" * 300),
        tmp_path / "loop" / "x",
        tmp_path / "taken",
        "a\x00b",
        "a\ud800b",
        7,
        None,
        b"bytes",
    ):
        for call in (memory.dump, memory.load, lambda p: memory.drop(backups=p)):
            if call not in (memory.dump, memory.load) and (place is None or place == tmp_path / "taken"):
                continue  # the default, and a folder that can be used
            with pytest.raises(TreememError) as found:
                call(place)
            assert "Errno" not in str(found.value)
    assert memory.stats().memories == 1
    assert sorted(p.name for p in tmp_path.iterdir() if not p.name.startswith("memory.db")) == ["file", "loop", "taken"]


def test_the_graph_of_a_dump_is_what_get_all_gives(memory: TreeTextMemory, tmp_path: Path) -> None:
    small(memory)
    memory.add([{"id": "lost", "memory": "soon lost"}, {"id": "stays", "memory": "Zoë stays \u2028 here"}])
    memory.link("stays", "CAUSES", "lost")
    memory.delete("lost")
    for name, as_of in (("now", None), ("before", "2001-01-01")):
        written = json.loads((memory.dump(tmp_path / name, as_of=as_of) / GRAPH).read_bytes())
        assert written == memory.get_all(as_of=as_of)
    assert written == {"nodes": [], "edges": []}


def test_a_graph_is_written_some_memories_at_a_time() -> None:
    def pages() -> Iterator[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
        for number in range(200):
            nodes = [{"id": f"{number}-{i}", "memory": "x" * 10_000} for i in range(10)]
            edges = [{"target_kind": "memory", "target": target} for target in (nodes[0]["id"], "not shown")]
            yield nodes, edges

    with tempfile.TemporaryFile() as file:
        tracemalloc.start()
        try:
            plain.write(file, pages())
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        file.seek(0)
        written = json.load(file)
    assert (len(written["nodes"]), len(written["edges"])) == (2_000, 200)
    assert peak < 2_000_000  # the file has 20 MB


def test_a_dump_that_fails_leaves_the_folder_as_it_was(memory: TreeTextMemory, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    memory.add("first")
    folder = memory.dump(tmp_path / "x")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    memory.add([f"memory {i} " + "x" * 2_000 for i in range(40)])
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, old[1]))
    try:
        for place in (folder, tmp_path / "new" / "deep"):
            with pytest.raises(TreememError, match="free space"):
                memory.dump(place)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
    assert not (tmp_path / "new").exists()


BAD_GRAPHS: dict[str, Any] = {
    "a number": 5,
    "a list of numbers": [5],
    "no nodes": {"edges": []},
    "nodes no list": {"nodes": {}, "edges": []},
    "a node a text": {"nodes": ["x"]},
    "a node without id": {"nodes": [{"memory": "x"}]},
    "a node of a path": {"nodes": [{"id": "../x", "memory": "x"}]},
    "a node without text": {"nodes": [{"id": "a", "memory": ""}]},
    "a node twice": {"nodes": [{"id": "a", "memory": "x"}, {"id": "a", "memory": "y"}]},
    "metadata a list": {"nodes": [{"id": "a", "memory": "x", "metadata": [1]}]},
    "metadata nested deep": {
        "nodes": [{"id": "a", "memory": "x", "metadata": {"d": DEEP, "recorded_from": "2025-01-01"}}]
    },
    "a vector of texts": {
        "nodes": [{"id": "a", "memory": "x", "metadata": {"embedding": ["x"] * 48, "recorded_from": "2025-01-01"}}]
    },
    "a time of rubbish": {
        "nodes": [{"id": "a", "memory": "x", "metadata": {"valid_from": "soon", "recorded_from": "2025-01-01"}}]
    },
    "validity turned round": {
        "nodes": [{"id": "a", "memory": "x", "metadata": {"valid_from": "2025-01-02", "valid_to": "2025-01-01"}}]
    },
    "an edge a text": {"edges": ["x"]},
    "an edge of no type": {"edges": [{"source": "a", "target": "b", "type": "loves"}]},
    "an edge's type a list": {"edges": [{"source": "a", "target": "b", "type": []}]},
    "an edge of a type for names": {"edges": [{"source": "a", "target": "b", "type": "MENTIONS"}]},
    "a last node of no session": {
        "nodes": [
            *({"id": f"n{n}", "memory": "x"} for n in range(1_100)),
            {"id": "a", "memory": "x", "metadata": {"visibility": "session", "recorded_from": "2025-01-01"}},
        ]
    },
    "an edge from nowhere": {"edges": [{"source": "z", "target": "b", "type": "CAUSE"}]},
    "an edge to nowhere": {"edges": [{"source": "a", "target": "z", "type": "CAUSE"}]},
    "an edge without end": {"edges": [{"source": "a", "type": "CAUSE"}]},
    "an edge to itself": {"edges": [{"source": "a", "target": "a", "type": "CAUSE"}]},
    "an edge of ours of weight": {
        "treemem": 1,
        "edges": [{"source": "a", "target": "b", "type": "CAUSES", "weight": "heavy"}],
    },
    "two parents": {"edges": [{"source": s, "target": "b", "type": "PARENT"} for s in ("a", "c")]},
    "a circle": {"edges": [{"source": s, "target": t, "type": "PARENT"} for s, t in ("ab", "bc", "ca")]},
}


def test_a_plain_graph_is_read_whole_before_anything_is_added(memory: TreeTextMemory, tmp_path: Path) -> None:
    nodes = [{"id": i, "memory": f"memory {i}"} for i in "abc"]
    for name, bad in BAD_GRAPHS.items():
        whole = not isinstance(bad, dict) or "nodes" in bad or name == "no nodes"
        graph = bad if whole else {"nodes": nodes, **bad}
        (tmp_path / GRAPH).write_text(json.dumps(graph))
        message = refused(memory, tmp_path)
        assert str(tmp_path) in message, name
    (tmp_path / GRAPH).write_text("[" * 100_000)
    refused(memory, tmp_path)
    (tmp_path / GRAPH).write_bytes(b"\xff\xfe\x00")
    refused(memory, tmp_path)
    (tmp_path / GRAPH).write_text(
        json.dumps({"nodes": nodes, "edges": [{"source": "a", "target": "b", "type": "CAUSE"}]})
    )
    assert memory.load(tmp_path) == 4


@pytest.mark.parametrize("size", [3, 700])
@pytest.mark.parametrize("bad", ["other content", "deleted", "a second parent", "a circle", "no vector"])
def test_a_plain_graph_that_does_not_fit_the_cube_leaves_nothing(
    memory: TreeTextMemory, tmp_path: Path, bad: str, size: int
) -> None:
    """What is refused may come last, after many memories that would fit."""
    memory.add([{"id": i, "memory": f"memory {i}"} for i in ("top", "middle", "gone")], at=day(0))
    memory.link("top", "PARENT", "middle", at=day(0))
    memory.delete("gone")
    nodes: list[dict[str, Any]] = [{"id": f"n{n}", "memory": f"memory {n}"} for n in range(size)]
    nodes += [{"id": i, "memory": f"memory {i}", "metadata": {"valid_from": str(day(0))}} for i in ("top", "middle")]
    edges = [{"source": "n0", "target": "n1", "type": "PARENT"}]
    if bad == "other content":
        nodes[-1]["memory"] = "something else"
    elif bad == "deleted":
        nodes.append({"id": "gone", "memory": "memory gone", "metadata": {"valid_from": str(day(0))}})
    elif bad == "no vector":
        nodes[-1]["metadata"] |= {"embedding": [0.0] * 48, "recorded_from": "2025-01-01"}
    else:
        source, target = ("n1", "middle") if bad == "a second parent" else ("middle", "top")
        edges.append({"source": source, "target": target, "type": "PARENT"})
    before = memory.content_hash(), memory.stats().operations
    (tmp_path / GRAPH).write_text(json.dumps({"nodes": nodes, "edges": edges}))
    with pytest.raises(InvalidInputError, match="nothing was loaded"):
        memory.load(tmp_path)
    assert (memory.content_hash(), memory.stats().operations) == before
    fitting = {"nodes": nodes[: size + 1], "edges": [edges[0], {"source": "top", "target": "n0", "type": "PARENT"}]}
    (tmp_path / GRAPH).write_text(json.dumps(fitting))
    assert memory.load(tmp_path) == memory.load(tmp_path) == size + 3
    assert memory.check() == []


def test_a_plain_graph_of_others_keeps_fields_of_any_name(memory: TreeTextMemory, tmp_path: Path) -> None:
    node = {"id": "a", "memory": "x", "metadata": {"visibilty": "public", "info": {"n": 1}, "userId": "u"}}
    (tmp_path / GRAPH).write_text(json.dumps({"nodes": [node], "edges": []}))
    memory.load(tmp_path)
    assert memory.get("a").metadata.info == {"n": 1, "visibilty": "public", "userId": "u"}


def test_a_plain_graph_of_many_nodes_of_one_id_is_refused_soon(memory: TreeTextMemory, tmp_path: Path) -> None:
    nodes = [{"id": f"n{n}", "memory": "x"} for n in range(20_000)]
    (tmp_path / GRAPH).write_text(json.dumps({"nodes": [*nodes, nodes[-1]]}))
    started = time.process_time()
    assert "'n19999' comes twice" in refused(memory, tmp_path)
    assert time.process_time() - started < 20


def test_another_model_is_refused_before_anything_is_written(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory = open_memory()
    memory.add("x", at=day(0))
    folder = memory.dump(tmp_path / "x")

    class Other(HashEmbedder):
        name = "test/other"

    cube = open_memory(embedder=Other(), cube=fresh_cube("model"))
    assert "open it with that embedder" in refused(cube, folder)
