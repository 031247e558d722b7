"""Backups of the embedded store: consistent beside writers, whole or not there, a store of their own."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import Result

from tests.commands import Shell
from tests.helpers import HashEmbedder
from treemem import InvalidInputError, NotAllowedError, StoreError, TreeTextMemory


def opened(path: Path, **settings: object) -> TreeTextMemory:
    return TreeTextMemory.open(path, embedder=HashEmbedder(), **settings)


def test_a_backup_is_a_store_of_its_own(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with opened(tmp_path / "m.db", cube="a") as memory:
        memory.add({"id": "x", "memory": "one"})
        memory.cube("b").add("of another cube")
        steps: list[tuple[int, int | None]] = []
        path = memory.backup(tmp_path / "kept" / "copy.db", progress=lambda done, total: steps.append((done, total)))
        memory.update("x", "two")
        hashes = memory.content_hash(), memory.cube("b").content_hash()
    assert steps[-1][0] == steps[-1][1]
    assert [p.name for p in path.parent.iterdir()] == ["copy.db"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with opened(path, cube="a") as copy:
        assert copy.get("x").memory == "one"
        assert copy.check() == copy.cube("b").check() == []
        assert copy.cube("b").content_hash() == hashes[1]
        copy.add("written to the copy")
    assert not [record for record in caplog.records if record.levelname == "WARNING"]


def test_a_backup_beside_writers_is_one_moment(tmp_path: Path) -> None:
    with opened(tmp_path / "m.db", cube="a", record_usage=False) as memory:
        memory.add([f"note {i} " + "x" * 900 for i in range(2_000)])
        stop = threading.Event()

        def write(name: str) -> None:
            number = 0
            while not stop.is_set():
                memory.cube(name).add([f"{name} {number} {i}" for i in range(20)])
                number += 1

        threads = [threading.Thread(target=write, args=(name,)) for name in ("b", "c")]
        for thread in threads:
            thread.start()
        try:
            copies = [memory.backup(tmp_path / f"copy{n}.db") for n in range(5)]
        finally:
            stop.set()
            for thread in threads:
                thread.join()
    counts = []
    for path in copies:
        with opened(path, cube="a") as copy:
            counts.append([copy.cube(name).stats().memories for name in "bc"])
            assert all(count % 20 == 0 for count in counts[-1])
            assert copy.stats().memories == 2_000
            assert [copy.cube(name).check() for name in "abc"] == [[], [], []]
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]


def test_a_backup_replaces_nothing_and_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path / "m.db") as memory:
        memory.add("one")
        for name in ("m.db", "there", "link", "half.db"):
            (tmp_path / "there").write_text("x")
            if name == "link":
                (tmp_path / "link").symlink_to(tmp_path / "nowhere")
            if name == "half.db":
                (tmp_path / "half.db-wal").write_text("of another file")
            with pytest.raises(InvalidInputError, match="exists already"):
                memory.backup(tmp_path / name)
        before = sorted(p.name for p in tmp_path.iterdir())
        from treemem.store.sqlite import copying

        def damaged(conn: sqlite3.Connection, target: Path, progress: object) -> None:
            target.write_text("half")
            raise StoreError("the copy is damaged")

        monkeypatch.setattr(copying, "copy", damaged)
        with pytest.raises(StoreError, match="damaged"):
            memory.backup(tmp_path / "new" / "copy.db")
        assert sorted(p.name for p in tmp_path.iterdir()) == before
        with pytest.raises(NotAllowedError):
            memory.for_caller("ann").backup(tmp_path / "copy.db")
        with pytest.raises(InvalidInputError, match="cannot reach"):
            memory.cube("b", walled=True).backup(tmp_path / "copy.db")


def test_a_damaged_store_makes_no_backup(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with opened(path) as memory:
        memory.add([f"note {i} " + "x" * 900 for i in range(200)])
    with path.open("r+b") as file:
        file.seek(4_096 * 40)
        file.write(os.urandom(4_096 * 20))
    with opened(path) as memory, pytest.raises(StoreError):
        memory.backup(tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


@pytest.mark.neo4j
def test_a_server_says_how_it_is_copied(neo4j_uri: str, tmp_path: Path) -> None:
    with TreeTextMemory.open(neo4j_uri, embedder=HashEmbedder()) as memory:
        with pytest.raises(InvalidInputError, match="neo4j-admin"):
            memory.backup(tmp_path / "copy.db")


def test_backup_and_restore_by_hand(run: Callable[..., Result], tmp_path: Path) -> None:
    shell = Shell(run, "hand")
    shell.run("add", "one")
    assert shell.json("backup", "kept.db")["file"] == "kept.db"
    shell.run("add", "two")
    shutil.move(tmp_path / "m.db", tmp_path / "old.db")
    before = (tmp_path / "kept.db").read_bytes()
    shell.run("restore", "kept.db")
    assert (tmp_path / "kept.db").read_bytes() == before
    assert not list(tmp_path.glob("kept.db-*"))
    assert shell.json("stats")["memories"] == 1
    assert "exists already" in shell.run("restore", "kept.db", code=1)
    (tmp_path / "text").write_text("no database")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE t (x)")
    other.close()
    for wrong, why in (("text", "no backup"), ("nothing", "No such file"), ("other.db", "another program")):
        assert why in shell.run("restore", wrong, "--store", str(tmp_path / "new.db"), code=1)
    assert not (tmp_path / "new.db").exists()
