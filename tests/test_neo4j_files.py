"""A cube as a Cypher script and as CSV for neo4j-admin: made into a database by the real server and the real tool."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import neo4j
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from tests.neo4j_server import FLAGS, LTS, Server, driver, fetch_jars, fetch_jars_for_parquet, java
from tests.test_plans import FORBIDDEN, operators
from treemem import (
    CallableEmbedder,
    ConflictError,
    InvalidInputError,
    NotAllowedError,
    TreeNodeTextualMemoryMetadata,
    TreeTextMemory,
)
from treemem.exchange.script import literal
from treemem.exchange.tables import COLUMNS

TEXTS = [
    'Anna\'s "sister" lives in Ghent;\n// and says \\u0041, \\n and `MATCH (n) DETACH DELETE n`;\nso she does.',
    "日本語 😀\u2028 \x85 \x1b[1m \\' \\\\' ${x} $given {{holds}} \ufeff",
    "a, b; \"c\", 'd'\r\n\te",
]


def fill(memory: TreeTextMemory) -> None:
    """Everything that a database can hold of a cube: versions, passages, edges with properties, sources, a purge."""
    first, second, third = memory.add(
        [
            {"memory": text, "info": {"n": 7, "é; \"'": [text, 1.5, None]}, "tags": ["x;y", '"'], "key": text[:20]}
            for text in TEXTS
        ]
    )
    memory.update(first, "Anna moved to Porto.", reason='She said: "I\'ve moved";\n')
    memory.expire(second)
    memory.link(third, "WORKS_AT", first, properties={"since": 1999, "says": TEXTS[0]})
    memory.link(third, "CAUSES", second, weight=0.25)
    memory.unlink(third, "CAUSES", second)
    memory.add_messages([{"role": "user", "content": TEXTS[0], "name": "Bo"}], conversation_id="talk")
    memory.add(
        "A long text about harbours. " * 400, frozen=True, memory_time="2020-02-29", type="event", confidence=0.5
    )
    memory.purge(memory.add("It is gone."), reason="asked for")


def archived(memory: TreeTextMemory, folder: Path) -> list[str]:
    """Every record of an archive of the cube; the stores list operations and edges in an order of their own."""
    head, *records, _ = memory.export(folder / "all.jsonl").read_text(encoding="utf-8").splitlines()
    return [head, *sorted(records)]


def run(uri: str, path: Path) -> int:
    """Run a script statement by statement, as cypher-shell and Browser do; return how many there were."""
    text = path.read_text(encoding="utf-8")
    statements = [each for each in text.split(";\n") if each.strip()]
    with driver(uri) as server, server.session() as session:
        for each in statements:
            session.run(each).consume()
    return len(statements)


def everything(uri: str, cube: str) -> list[Any]:
    """All nodes and relationships of a cube with all their properties and the types of these."""
    match = "MATCH (n) WHERE n.cube_id = $cube OR (n:Cube AND n.id = $cube)"
    with driver(uri) as server:
        nodes, *_ = server.execute_query(f"{match} RETURN labels(n) AS labels, properties(n) AS own", cube=cube)
        joined, *_ = server.execute_query(
            f"{match} MATCH (n)-[r]->(m) RETURN type(r) AS type, [n.id, n.version, n.number, m.id, m.version] AS ends,"
            " properties(r) AS own",
            cube=cube,
        )
    skipped = {"epoch", "recalled", "recalled_at", "operation"}
    rows = [
        {**r.data(), "own": sorted((n, v) for n, v in r["own"].items() if n not in skipped)} for r in [*nodes, *joined]
    ]
    return sorted(map(repr, rows))


@pytest.mark.neo4j
def test_a_script_makes_the_same_nodes(neo4j_uri: str, tmp_path: Path) -> None:
    with TreeTextMemory.open(neo4j_uri, cube=fresh_cube(), embedder=HashEmbedder()) as memory:
        fill(memory)
        before, rows = everything(neo4j_uri, memory.cube_id), archived(memory, tmp_path)
        path = memory.export(tmp_path / "all.cypher")
        memory.drop(backups=tmp_path / "backups")
        run(neo4j_uri, path)
        assert everything(neo4j_uri, memory.cube_id) == before
        assert memory.check() == []
        assert archived(memory, tmp_path) == rows


@pytest.mark.neo4j
def test_a_script_of_the_embedded_store(neo4j_uri: str, tmp_path: Path) -> None:
    cube, clock = fresh_cube(), FakeClock()
    with TreeTextMemory.open(tmp_path / "memory.db", cube=cube, embedder=HashEmbedder(), clock=clock) as memory:
        fill(memory)
        now = archived(memory, tmp_path)
        run(neo4j_uri, memory.export(tmp_path / "all.cypher"))
        with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder(), clock=clock) as copy:
            assert copy.check() == []
            assert archived(copy, tmp_path) == now
            for question in ("Where does Anna live?", "harbours", "日本語"):
                assert [h.id for h in copy.search(question)] == [h.id for h in memory.search(question)]
            copy.add("It goes on.")


SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
)


@pytest.mark.neo4j
@settings(max_examples=40)
@given(st.lists(st.one_of(SCALARS, st.lists(st.text(max_size=8), max_size=4)), max_size=6))
def test_a_literal_is_its_value(session: neo4j.Session, values: list[Any]) -> None:
    for version in ("CYPHER 5", "" if LTS else "CYPHER 25"):
        assert session.run(f"{version} RETURN {literal(values)} AS v").single(strict=True)["v"] == values


@pytest.fixture(scope="module")
def session(neo4j_uri: str) -> Iterator[neo4j.Session]:
    with driver(neo4j_uri) as server, server.session() as opened:
        yield opened


def test_what_is_not_the_whole_cube_is_refused(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory = open_memory()
    for name in ("cypher", "neo4j-csv", "neo4j-parquet"):
        with pytest.raises(InvalidInputError, match="empty"):
            memory.export(tmp_path / name, format=name)
    memory.add("It is there.", user_id="anna")
    for name in ("cypher", "neo4j-csv", "neo4j-parquet"):
        with pytest.raises(NotAllowedError):
            memory.for_caller("anna").export(tmp_path / name, format=name)
        with pytest.raises(InvalidInputError, match="format"):
            memory.import_(tmp_path / name, format=name)
    assert not [*tmp_path.glob("cypher*"), *tmp_path.glob("neo4j-*")]


@pytest.mark.parametrize("given", [{"info": {"x": "a\x1fb"}}, {"id": "odd", "memory": "One", "info": {"x": ["\x1f"]}}])
@pytest.mark.parametrize("format", ["neo4j-csv", "neo4j-parquet"])
def test_a_list_that_no_field_can_say_is_refused(tmp_path: Path, given: dict[str, Any], format: str) -> None:
    with TreeTextMemory.open(tmp_path / "memory.db", embedder=HashEmbedder()) as memory:
        memory.add({"id": "odd", "memory": "One", **given})
        with pytest.raises(InvalidInputError, match=r"state 'odd': info: .*U\+001F"):
            memory.export(tmp_path / "csv", format=format)
    assert not (tmp_path / "csv").exists()


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "source.csv").write_text("mine")
    with TreeTextMemory.open(tmp_path / "memory.db", embedder=HashEmbedder()) as memory:
        memory.add("One")
        with pytest.raises(InvalidInputError, match="files of others"):
            memory.export(folder, format="neo4j-csv")
        assert [each.name for each in folder.iterdir()] == ["source.csv"]
        for _ in range(2):  # its own may be replaced
            memory.export(tmp_path / "csv", format="neo4j-csv")


@pytest.mark.parametrize("name", ["all.jsonl", "all.cypher", "csv"])
@pytest.mark.parametrize("meanwhile", ["drop", "reembed"])
def test_a_cube_that_is_replaced_meanwhile_is_not_kept(
    open_memory: OpenMemory, tmp_path: Path, name: str, meanwhile: str
) -> None:
    memory = open_memory()
    memory.add([f"memory {n}" for n in range(1_200)])
    others: list[str] = []

    def progress(*_: int | None) -> None:
        if not others:
            others.append(meanwhile)
            if meanwhile == "drop":
                memory.drop(backups=tmp_path / "backups")
            else:
                memory.reembed(
                    CallableEmbedder(lambda texts: [[1.0, len(t)] for t in texts], name="other", dimension=2)
                )

    with pytest.raises((ConflictError, InvalidInputError)):
        memory.export(tmp_path / "out" / name, format="neo4j-csv" if name == "csv" else None, progress=progress)
    assert others
    assert not list((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True


@pytest.mark.neo4j
def test_properties_of_others_are_left_alone(neo4j_uri: str, tmp_path: Path) -> None:
    """What somebody wrote to a node of ours is no field of the memory, goes nowhere, and never becomes Cypher."""
    cube = fresh_cube()
    opened = TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder(), record_usage=False)
    with opened as memory, driver(neo4j_uri) as server:
        memory.add({"id": "a", "memory": "One"})
        before = archived(memory, tmp_path)
        name = "x``: 1}, null]] AS row CREATE (:Pwned) //"
        server.execute_query(f"MATCH (s:State {{cube_id: $cube}}) SET s.`{name}` = 'mine', s.day = date()", cube=cube)
        assert memory.search("One")[0].metadata.info == {}
        assert archived(memory, tmp_path) == before
        assert "Pwned" not in memory.export(tmp_path / "all.cypher").read_text()
        memory.export(tmp_path / "csv", format="neo4j-csv")
        memory.update("a", "Two")
        assert memory.drop(backups=tmp_path / "backups") is not None
        run(neo4j_uri, tmp_path / "all.cypher")
        assert memory.get("a").memory == "One"


@pytest.mark.neo4j
def test_a_script_that_was_cut_off_leaves_no_cube(neo4j_uri: str, tmp_path: Path) -> None:
    cube = fresh_cube()
    with TreeTextMemory.open(tmp_path / "memory.db", cube=cube, embedder=HashEmbedder()) as memory:
        fill(memory)
        path = memory.export(tmp_path / "all.cypher")
    path.write_text(path.read_text("utf-8").removesuffix("\n").rpartition("\n")[0] + "\n", "utf-8")
    run(neo4j_uri, path)
    with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder()) as copy:
        assert copy.stats().clock is None
        assert not copy.search("Where does Anna live?")


def test_no_statement_grows_without_end(tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "memory.db", embedder=HashEmbedder()) as memory:
        memory.add(["x" * 400_000 for _ in range(8)])
        lines = memory.export(tmp_path / "all.cypher").read_text("utf-8").splitlines()
    assert max(map(len, lines)) < 2_000_000
    assert sum(line.startswith("UNWIND") for line in lines) < 80


@pytest.mark.neo4j
def test_a_script_finds_what_it_joins_by_an_index(neo4j_uri: str, tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "memory.db", cube=fresh_cube(), embedder=HashEmbedder()) as memory:
        fill(memory)
        script = memory.export(tmp_path / "all.cypher").read_text("utf-8")
    with driver(neo4j_uri) as server:
        for statement in script.split(";\n"):
            if "UNWIND" in statement:
                plan = server.execute_query(
                    "EXPLAIN " + statement.partition("UNWIND")[1] + statement.partition("UNWIND")[2]
                )
                assert plan.summary.plan is not None
                assert not set(operators(plan.summary.plan)) & set(FORBIDDEN)


def test_every_field_of_a_memory_has_a_column() -> None:
    of_the_store = {"updated_at", "info"}  # the time of its record, and JSON in `extra`
    assert TreeNodeTextualMemoryMetadata.model_fields.keys() - of_the_store <= COLUMNS["State"].keys()


@pytest.mark.neo4j
@pytest.mark.parametrize("format", ["neo4j-csv", "neo4j-parquet"])
def test_tables_are_imported_by_the_tool(tmp_path: Path, format: str) -> None:
    clock = FakeClock()
    with TreeTextMemory.open(tmp_path / "memory.db", embedder=HashEmbedder(), clock=clock) as memory:
        fill(memory)
        rows = archived(memory, tmp_path)
        found = [h.id for h in memory.search("Where does Anna live?")]
        folder = memory.export(tmp_path / "tables", format=format)
    home = tmp_path / "server"
    server = Server(home)
    server.configure()
    program = java()
    jars = [f"{fetch_jars()}/*", *([f"{fetch_jars_for_parquet()}/*"] if format == "neo4j-parquet" else [])]
    tool = [program, *FLAGS, "-cp", os.pathsep.join(jars), "org.neo4j.cli.AdminTool"]
    done = subprocess.run(
        [*tool, "database", "import", "full", "neo4j", "@import.args"],
        cwd=folder,
        env={"NEO4J_HOME": str(home), "NEO4J_CONF": str(home / "conf")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    server.start()
    try:
        with TreeTextMemory.open(server.uri, embedder=HashEmbedder(), clock=clock) as copy:
            assert copy.check() == []
            assert archived(copy, tmp_path) == rows
            assert [h.id for h in copy.search("Where does Anna live?")] == found
    finally:
        server.kill()


def test_vectors_keep_every_bit() -> None:
    row = np.random.default_rng(1).normal(size=300).astype(np.float32)
    assert (np.array(literal(row)[1:-1].split(", "), dtype=np.float32) == row).all()
