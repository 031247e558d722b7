"""Schema: recorded, idempotent, refused when newer or not ours, compared with what is there."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import neo4j
import pytest

from tests.conftest import started_server
from tests.helpers import HashEmbedder
from treemem import SchemaError, StoreFullError, TreeTextMemory
from treemem.store.neo4j import Neo4jStore
from treemem.store.neo4j.schema import WANTED
from treemem.store.sqlite import SqliteStore


def test_embedded_migrations_run_once(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "a.db")
    assert store.migrate() == ["0001_graph.sql", "0002_beside.sql", "0003_staged.sql"]
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


def test_a_read_only_file_is_said_to_be_read_only(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with TreeTextMemory.open(path, embedder=HashEmbedder()) as memory:
        memory.add("kept")
        memory.store._database.connection().execute("PRAGMA query_only = ON")  # type: ignore[attr-defined]
        with pytest.raises(StoreFullError, match="read-only"):
            memory.add("refused")
        assert [n["memory"] for n in memory.get_all()["nodes"]] == ["kept"]


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory, neo4j_uri: str) -> Iterator[str]:
    """A server whose schema may be broken."""
    yield from started_server(tmp_path_factory.mktemp("schema"))


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
    assert recorded == 4


@pytest.mark.neo4j
def test_an_index_that_differs_is_named_with_two_ways_out(own_server: str) -> None:
    with neo4j.GraphDatabase.driver(own_server) as driver:
        driver.execute_query("DROP INDEX treemem_state_text")
        driver.execute_query(
            "CREATE FULLTEXT INDEX treemem_state_text FOR (n:State) ON EACH [n.tokens, n.scope] "
            "OPTIONS {indexConfig: {`fulltext.analyzer`: 'english'}}"
        )
        with pytest.raises(SchemaError) as refused:
            TreeTextMemory.open(own_server)
        for part in ("english", "whitespace", "DROP INDEX `treemem_state_text`", "another database"):
            assert part in str(refused.value)
        driver.execute_query("DROP INDEX treemem_state_text")
        with pytest.raises(SchemaError, match="found: nothing"):
            TreeTextMemory.open(own_server)
        driver.execute_query("MATCH (n:TreememMigration) DELETE n")
        TreeTextMemory.open(own_server).close()


@pytest.mark.neo4j
def test_a_newer_neo4j_schema_is_refused(own_server: str) -> None:
    with neo4j.GraphDatabase.driver(own_server) as driver:
        driver.execute_query("MERGE (n:TreememMigration {name: '9999_future'})")
        with pytest.raises(SchemaError, match="9999_future"):
            TreeTextMemory.open(own_server)
        driver.execute_query("MATCH (n:TreememMigration {name: '9999_future'}) DELETE n")
