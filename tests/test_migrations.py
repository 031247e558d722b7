"""Schema: recorded, idempotent, refused when newer or not ours, compared with what is there."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import neo4j
import pytest

from tests.conftest import started_server
from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from treemem import SchemaError, StoreError, TreeTextMemory
from treemem.store.neo4j import converting
from treemem.store.neo4j.rows import FORMER, KINDS
from treemem.store.neo4j.schema import WANTED
from treemem.store.neo4j.store import Neo4jStore
from treemem.store.sqlite import SqliteStore


def test_embedded_migrations_run_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db")
    assert store.migrate() == [
        "0001_graph.sql",
        "0002_beside.sql",
        "0003_staged.sql",
        "0004_file.sql",
        "0005_conversations.sql",
        "0006_passages.sql",
        "0007_edge_properties.sql",
        "0008_loading.sql",
        "0009_tasks.sql",
    ]
    assert store.migrate() == []
    store.close()


def test_a_newer_embedded_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    TreeTextMemory.open(path, embedder=HashEmbedder()).close()
    with sqlite3.connect(path) as conn:
        conn.execute("PRAGMA user_version = 99")
    with pytest.raises(SchemaError, match="newer than this treemem"):
        TreeTextMemory.open(path)


def test_files_that_are_not_ours_are_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no database, but long enough to be mistaken for one\n" * 50)
    with pytest.raises(SchemaError, match="not a treemem database"):
        TreeTextMemory.open(text)
    foreign = tmp_path / "other.db"
    with sqlite3.connect(foreign) as conn:
        conn.execute("CREATE TABLE state (x)")
    before = foreign.read_bytes()
    with pytest.raises(SchemaError, match="another program"):
        TreeTextMemory.open(foreign)
    assert foreign.read_bytes() == before


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory, neo4j_uri: str) -> Iterator[str]:
    """A server whose schema may be broken."""
    yield from started_server(tmp_path_factory.mktemp("schema"))


@pytest.mark.slow
@pytest.mark.neo4j
def test_ten_processes_migrate_a_new_server_at_once(own_server: str) -> None:
    code = "import sys; from treemem import TreeTextMemory; TreeTextMemory.open(sys.argv[1], timeout=120).close()"
    workers = [
        subprocess.Popen([sys.executable, "-c", code, own_server], stderr=subprocess.PIPE, text=True) for _ in range(10)
    ]
    errors = [w.communicate(timeout=300)[1] for w in workers]
    assert [w.returncode for w in workers] == [0] * 10, "\n".join(errors)
    store = Neo4jStore(own_server)
    assert store.migrate() == []
    store.close()
    with neo4j.GraphDatabase.driver(own_server) as driver:
        names = {r["name"] for r in driver.execute_query("SHOW INDEXES YIELD name").records}
        recorded = driver.execute_query("MATCH (n:TreememMigration) RETURN count(n) AS n").records[0]["n"]
    assert set(WANTED) <= names
    assert recorded == 8


@pytest.mark.neo4j
def test_an_index_that_differs_is_named_with_two_ways_out(own_server: str) -> None:
    TreeTextMemory.open(own_server).close()
    with neo4j.GraphDatabase.driver(own_server) as driver:
        driver.execute_query("DROP INDEX treemem_text")
        driver.execute_query(
            "CREATE FULLTEXT INDEX treemem_text FOR (n:State) ON EACH [n.tokens, n.scope] "
            "OPTIONS {indexConfig: {`fulltext.analyzer`: 'english'}}"
        )
        with pytest.raises(SchemaError) as refused:
            TreeTextMemory.open(own_server)
        for part in ("english", "whitespace", "DROP INDEX `treemem_text`", "another database"):
            assert part in str(refused.value)
        driver.execute_query("DROP INDEX treemem_text")
        with pytest.raises(SchemaError, match="found: nothing"):
            TreeTextMemory.open(own_server)
        driver.execute_query("MATCH (n:TreememMigration) DELETE n")
        TreeTextMemory.open(own_server).close()


@pytest.mark.neo4j
@pytest.mark.parametrize(
    ("create", "named"),
    [
        ("CREATE CONSTRAINT theirs FOR (n:Memory) REQUIRE n.id IS UNIQUE", "DROP CONSTRAINT `theirs`"),
        ("CREATE CONSTRAINT theirs FOR (n:Entity) REQUIRE (n.cube_id, n.name) IS UNIQUE", "DROP CONSTRAINT `theirs`"),
        ("CREATE CONSTRAINT theirs FOR ()-[r:CAUSES]-() REQUIRE r.weight IS UNIQUE", "DROP CONSTRAINT `theirs`"),
        ("CREATE CONSTRAINT theirs FOR (n:Topic) REQUIRE n.id IS UNIQUE", "DROP CONSTRAINT `theirs`"),
        ("CREATE INDEX theirs FOR (n:Tombstone) ON (n.cube_id, n.id)", "DROP INDEX `theirs`"),
        ("CREATE INDEX theirs FOR (n:State) ON (n.cube_id, n.opened_by)", "DROP INDEX `theirs`"),
    ],
)
def test_what_others_put_in_our_way_is_named(own_server: str, create: str, named: str) -> None:
    """On opening, before anything is written, be the schema there or not."""
    TreeTextMemory.open(own_server, embedder=HashEmbedder()).close()
    with neo4j.GraphDatabase.driver(own_server) as driver:
        if "INDEX" in create:  # where ours is, there is no place for another
            driver.execute_query("DROP CONSTRAINT treemem_tombstone IF EXISTS")
            driver.execute_query("DROP INDEX treemem_state_opened IF EXISTS")
            driver.execute_query("MATCH (n:TreememMigration) DELETE n")
        driver.execute_query(create)
        with pytest.raises(SchemaError, match="in the way of treemem's") as refused:
            TreeTextMemory.open(own_server, embedder=HashEmbedder())
        assert named in str(refused.value)
        driver.execute_query(named)
        TreeTextMemory.open(own_server, embedder=HashEmbedder()).close()


@pytest.mark.neo4j
def test_a_constraint_that_comes_later_is_told_when_it_refuses(own_server: str) -> None:
    with (
        TreeTextMemory.open(own_server, cube=fresh_cube("later"), embedder=HashEmbedder()) as memory,
        neo4j.GraphDatabase.driver(own_server) as driver,
    ):
        driver.execute_query("CREATE CONSTRAINT theirs FOR (n:Memory) REQUIRE n.caption IS UNIQUE")
        memory.add({"id": "a", "memory": "the same caption"})
        with pytest.raises(SchemaError, match="a constraint that is not treemem's refuses"):
            memory.add({"id": "b", "memory": "the same caption"})
        driver.execute_query("DROP CONSTRAINT theirs")
        memory.add({"id": "b", "memory": "the same caption"})
        assert memory.check() == []


@pytest.mark.neo4j
def test_harmless_constraints_of_others_are_left_alone(own_server: str) -> None:
    with neo4j.GraphDatabase.driver(own_server) as driver:
        driver.execute_query("CREATE CONSTRAINT theirs FOR (n:Entity) REQUIRE n.uuid IS UNIQUE")
        driver.execute_query("CREATE CONSTRAINT others FOR (n:Person) REQUIRE n.id IS UNIQUE")
        driver.execute_query("CREATE INDEX more FOR (n:Memory) ON (n.caption)")
        with TreeTextMemory.open(own_server, cube=fresh_cube("harmless"), embedder=HashEmbedder()) as memory:
            memory.add(["Anna lives in Lisbon.", "Ben lives in Porto."])
        for thing in ("CONSTRAINT theirs", "CONSTRAINT others", "INDEX more"):
            driver.execute_query(f"DROP {thing}")


@pytest.mark.slow
@pytest.mark.neo4j
def test_free_fields_of_older_databases_become_facts(own_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In parts, also where a conversion was cut off; versions, times, hashes and answers stay as they were."""
    monkeypatch.setattr(converting, "_BATCH", 3)
    cube = fresh_cube("old")
    with (
        TreeTextMemory.open(own_server, cube=cube, embedder=HashEmbedder()) as memory,
        neo4j.GraphDatabase.driver(own_server) as driver,
    ):
        infos = [
            {"n": i, "s": "x" * i, "list": ["a", str(i)], "deep": {"k": i}, "fox": "\U0001f994"} for i in range(10)
        ]
        memory.add([{"id": f"m{i}", "memory": f"note {i}", "metadata": {"info": info}} for i, info in enumerate(infos)])
        memory.add({"id": "plain", "memory": "note"})
        memory.update("m3", info={**infos[3], "n": 33})
        before, plain = memory.content_hash(), memory.get_all()
        for row in driver.execute_query(
            "MATCH (s:State {cube_id: $cube}) WHERE s.facts IS NOT NULL RETURN elementId(s) AS e, s.extra AS x",
            cube=cube,
        ).records:
            extra = json.loads(row["x"])
            loose = {f"info.{name}": value for name, value in extra["info"].items() if name != "deep"}
            old = loose | {"facts": None, "extra": json.dumps({"info": {"deep": extra["info"]["deep"]}})}
            driver.execute_query("MATCH (s) WHERE elementId(s) = $e SET s += $old", e=row["e"], old=old)
        assert memory.content_hash() == before  # what is not converted yet is read all the same
        forget = "MATCH (n:TreememMigration {name: '0004_facts'}) DELETE n"
        driver.execute_query(forget)
        cuts = iter([2, 99])

        def cut(tx: Any, cube: str, after: str) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise StoreError("cut off")
            return some(tx, cube, after)

        some, left = converting._some, next(cuts)
        monkeypatch.setattr(converting, "_some", cut)
        with pytest.raises(StoreError, match="cut off"):
            TreeTextMemory.open(own_server, cube=cube, embedder=HashEmbedder())
        left = next(cuts)
        with TreeTextMemory.open(own_server, cube=cube, embedder=HashEmbedder()) as converted:
            assert converted.content_hash() == before
            assert converted.get_all() == plain
            assert [i.id for p in converted.pages(filter={"info.n": {"gte": 8}}) for i in p.items] == ["m3", "m8", "m9"]
            found = {"info.fox": {"gt": "\ufffd"}, "info.list": {"contains": "4"}}
            assert [i.id for p in converted.pages(filter=found) for i in p.items] == ["m4"]
        names = "MATCH (s:State {cube_id: $cube}) UNWIND keys(s) AS k RETURN collect(DISTINCT k) AS names"
        assert not [k for k in driver.execute_query(names, cube=cube).records[0]["names"] if k.startswith("info.")]


def _labels(driver: neo4j.Driver, cube: str) -> dict[str, list[str]]:
    """The labels of memories by their ids, and of states by id and version."""
    query = (
        "MATCH (n:Memory|State {cube_id: $cube}) "
        "RETURN n.id + CASE WHEN n:State THEN '/' + n.version ELSE '' END AS name, labels(n) AS labels"
    )
    return {row["name"]: sorted(row["labels"]) for row in driver.execute_query(query, cube=cube).records}


@pytest.mark.neo4j
def test_memories_are_labelled_as_what_they_are(own_server: str) -> None:
    """As they are written, and those of older databases when they are opened: the same labels."""
    cube, clock = fresh_cube("labels"), FakeClock()
    with (
        TreeTextMemory.open(own_server, cube=cube, embedder=HashEmbedder(), clock=clock) as memory,
        neo4j.GraphDatabase.driver(own_server) as driver,
    ):
        memory.add([{"id": i, "memory": f"note {i}"} for i in ("same", "changed", "ended", "deleted", "back", "other")])
        memory.add({"id": "topic", "memory": "harbours", "type": "topic", "memory_type": "UserMemory"})
        memory.add({"id": "then", "memory": "a trip", "valid_from": "2019-01-01", "valid_to": "2019-02-01"})
        driver.execute_query("MATCH (m:Memory {cube_id: $cube, id: 'same'}) SET m:Theirs", cube=cube)
        memory.update("changed", "another note")
        memory.update("other", memory_type="UserMemory")
        memory.expire("ended")
        memory.delete("deleted")
        memory.undo(memory.delete("back").operation)
        memory.add({"id": "long", "memory": "lived in Porto"}, at="2020-01-01")
        memory.update("long", "lived in Oslo", at="2022-01-01")
        memory.correct("long", "lived in Braga", at="2020-06-01")  # what is written last is of the past
        last, long = ["LongTermMemory", "Memory"], ["Former", "LongTermMemory", "Memory"]
        found = _labels(driver, cube)
        memories = {name: labels for name, labels in found.items() if "/" not in name}
        assert memories == {
            "same": [*last, "Theirs"],
            "changed": last,
            "ended": long,
            "deleted": long,
            "back": last,
            "other": ["Memory", "UserMemory"],
            "topic": ["Memory", "Topic", "UserMemory"],
            "then": long,
            "long": last,
        }
        now = {item.id: item.metadata.version for page in memory.pages() for item in page.items}
        states = {name: labels for name, labels in found.items() if "/" in name}
        assert {name for name, labels in states.items() if labels == ["State"]} == {f"{i}/{v}" for i, v in now.items()}
        assert {tuple(labels) for labels in states.values()} == {("State",), ("Former", "State")}

        kinds = ":".join((*KINDS, FORMER))
        driver.execute_query(f"MATCH (n:Memory|State {{cube_id: $cube}}) REMOVE n:{kinds}", cube=cube)
        driver.execute_query("MATCH (n:TreememMigration {name: '0007_labels'}) DELETE n")
        TreeTextMemory.open(own_server, cube=cube, embedder=HashEmbedder()).close()
        assert _labels(driver, cube) == found


@pytest.mark.neo4j
def test_a_newer_neo4j_schema_is_refused(own_server: str) -> None:
    with neo4j.GraphDatabase.driver(own_server) as driver:
        driver.execute_query("MERGE (n:TreememMigration {name: '9999_future'})")
        with pytest.raises(SchemaError, match="9999_future"):
            TreeTextMemory.open(own_server)
        driver.execute_query("MATCH (n:TreememMigration {name: '9999_future'}) DELETE n")
