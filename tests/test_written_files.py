"""What is written replaces files alone: no pipe, no socket, no database, and nothing that SQLite keeps beside one."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.helpers import HashEmbedder
from treemem import InvalidInputError, TreeTextMemory
from treemem.exchange import files
from treemem.exchange.format import ARCHIVE, GRAPH
from treemem.exchange.tables import names

BESIDE = ("-wal", "-shm", "-journal")


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[TreeTextMemory]:
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as opened:
        opened.add("Anna sings.")
        yield opened


def pipe(path: Path) -> None:
    os.mkfifo(path)


def socket(path: Path) -> None:
    os.mknod(path, stat.S_IFSOCK | 0o600)


@pytest.mark.parametrize("make", [pipe, socket])
def test_what_is_no_file_is_not_replaced(memory: TreeTextMemory, tmp_path: Path, make: Callable[[Path], None]) -> None:
    for name in ("a.jsonl", "a.graphml", "a.cypher", "a.json"):
        make(tmp_path / name)
        kind = os.lstat(tmp_path / name).st_mode
        with pytest.raises(InvalidInputError, match="is no file"):
            memory.export(tmp_path / name)
        assert os.lstat(tmp_path / name).st_mode == kind
    for number, name in enumerate((ARCHIVE, GRAPH)):
        folder = tmp_path / f"dump{number}"
        folder.mkdir()
        make(folder / name)
        with pytest.raises(InvalidInputError, match="is no file"):
            memory.dump(folder)
        assert [each.name for each in folder.iterdir()] == [name], "nothing else came"
    tables = tmp_path / "tables"
    memory.export(tables, format="neo4j-csv")
    (tables / names("neo4j-csv")[1]).unlink()
    make(tables / names("neo4j-csv")[1])
    with pytest.raises(InvalidInputError, match="is no file"):
        memory.export(tables, format="neo4j-csv")
    make(tmp_path / "b.db")
    with pytest.raises(InvalidInputError, match="exists already"):
        memory.backup(tmp_path / "b.db")


def test_a_database_and_what_lies_beside_it_are_not_replaced(memory: TreeTextMemory, tmp_path: Path) -> None:
    before = {each.name for each in tmp_path.iterdir()}
    assert {"m.db", "m.db-wal", "m.db-shm"} <= before
    for suffix in BESIDE:
        with pytest.raises(InvalidInputError, match=r"beside m\.db"):
            memory.export(tmp_path / f"m.db{suffix}", format="archive")
        with pytest.raises(InvalidInputError, match=r"beside m\.db|exists already"):
            memory.backup(tmp_path / f"m.db{suffix}")
        with pytest.raises(InvalidInputError, match=r"beside m\.db"):
            files.write_together(tmp_path, {f"m.db{suffix}": lambda file: file.write(b"x")})
    with pytest.raises(InvalidInputError, match="is a database"):
        files.write_together(tmp_path, {"m.db": lambda file: file.write(b"x")})
    assert {each.name for each in tmp_path.iterdir()} == before
    memory.add("Ben dances.")
    assert memory.check() == []
    assert memory.export(tmp_path / "no-wal", format="archive").is_file(), "there is no such database"


def test_what_came_while_the_file_was_written_stays(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="is no file"):
        files.write_together(tmp_path, {"a": lambda _: pipe(tmp_path / "a")})
    assert stat.S_ISFIFO(os.lstat(tmp_path / "a").st_mode)
    assert [each.name for each in tmp_path.iterdir()] == ["a"]
