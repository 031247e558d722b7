"""treemem doctor: each fault that it is to find, made on purpose, and that it leaves everything as it was."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.commands import Shell
from tests.helpers import HashEmbedder
from treemem import TreeTextMemory
from treemem.config import TreeTextMemoryConfig
from treemem.doctor import Level, examine
from treemem.doctor.extras import EXTRAS

Run = Callable[..., Result]
ROOT = Path(__file__).parents[1]


def folder_of(path: Path) -> dict[str, str]:
    """What lies in a folder, by name, each with its hash."""
    return {each.name: hashlib.sha256(each.read_bytes()).hexdigest() for each in path.iterdir() if each.is_file()}


def findings(run: Run, *arguments: str, code: int = 0) -> dict[str, list[tuple[str, str]]]:
    """What the doctor finds, by check: level and words."""
    told: dict[str, list[tuple[str, str]]] = {}
    for each in json.loads(run("doctor", *arguments, "--json", code=code).stdout)["findings"]:
        told.setdefault(each["check"], []).append((each["level"], each["found"]))
        assert each["todo"] or each["level"] != "warning", each
    return told


def levels(found: dict[str, list[tuple[str, str]]], check: str) -> set[str]:
    return {level for level, _ in found.get(check, ())}


def words(found: dict[str, list[tuple[str, str]]], check: str) -> str:
    return "; ".join(told for _, told in found[check])


def test_a_sound_memory(shell: Shell, tmp_path: Path) -> None:
    shell.run("add", "Anna lives in Porto.")
    before = folder_of(tmp_path)
    told = shell.run("doctor")
    assert "nothing is in the way" in told
    assert "problem" not in told
    assert "the cube was embedded with it, 384 dimensions" in told
    assert "none failed" in told
    assert folder_of(tmp_path) == before


def test_tasks_that_failed_and_an_empty_cube(shell: Shell) -> None:
    shell.run("add", "Anna lives in Porto.")
    assert "is empty" in words(findings(shell.invoke, "--cube", shell.cube + "-none"), "cube")
    task = shell.json("tasks", "--add", "reorganize")["id"]
    shell.run("tasks", task, "--cancel")
    found = findings(shell.invoke)
    assert levels(found, "tasks") == {"warning"}
    assert f"{task} (reorganize): cancelled" in words(found, "tasks")


def test_another_model_than_the_cubes(shell: Shell, location: str) -> None:
    with TreeTextMemory.open(location, cube=shell.cube, embedder=HashEmbedder()) as memory:
        memory.add("Anna lives in Porto.")
    found = findings(shell.invoke, code=1)
    assert "problem" in levels(found, "model")
    assert "the cube was embedded with test/hash (48 dimensions)" in words(found, "model")
    assert found["store"][0][0] == "ok"  # one fault hides no other check


def test_the_newest_operation_lies_in_the_future(shell: Shell, location: str) -> None:
    shell.run("add", "Anna lives in Porto.")
    config = TreeTextMemoryConfig(store=location, cube=shell.cube)
    found = examine(lambda: config, clock=lambda: datetime(2020, 1, 1, tzinfo=UTC))
    (clock,) = (each for each in found if each.check == "clock" and each.level is Level.PROBLEM)
    assert "in the future of this machine's clock" in clock.found


def test_no_file_stays_no_file(run: Run, tmp_path: Path) -> None:
    assert levels(findings(run, "--store", "no/where/m.db"), "store") == {"warning"}
    assert not folder_of(tmp_path)
    assert not list(tmp_path.iterdir())


def test_it_looks_beside_a_writer_and_after_a_kill(run: Run, tmp_path: Path) -> None:
    with TreeTextMemory.open("m.db") as memory:
        memory.add("Anna lives in Porto.")
        before = folder_of(tmp_path)
        assert "m.db-wal" in before
        assert "newest operation" in words(findings(run), "cube")
        killed, torn = tmp_path / "killed", tmp_path / "torn"
        for folder, files in ((killed, "m.db m.db-wal m.db-shm"), (torn, "m.db m.db-wal")):
            folder.mkdir()
            for name in files.split():
                shutil.copy2(tmp_path / name, folder / name)
        after = folder_of(tmp_path)
        changed = {name for name in before | after if before.get(name) != after.get(name)}
        assert changed <= {"m.db-shm"}  # in which readers note where they are, within one process
        memory.add("Ben sings.")
    for folder, level in ((killed, set()), (torn, {"warning"})):
        before = folder_of(folder)
        found = findings(run, "--store", str(folder / "m.db"))
        assert levels(found, "log") == level  # without SQLite's index of it the log is not read
        assert folder_of(folder) == before
    shutil.copy2(tmp_path / "m.db", torn / "m.db")
    with TreeTextMemory.open(torn / "other.db") as other:
        other.add("Cleo dances.")
    (torn / "other.db").replace(torn / "m.db")
    assert levels(findings(run, "--store", str(torn / "m.db"), code=1), "log") == {"problem"}


def test_files_that_are_none_of_ours(run: Run, tmp_path: Path) -> None:
    (tmp_path / "junk.db").write_bytes(os.urandom(20_000))
    (tmp_path / "lost.db").symlink_to(tmp_path / "nowhere")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE shoe (size)").connection.commit()
    (tmp_path / "new.db").touch(mode=0o600)
    before = folder_of(tmp_path)
    for name in ("junk.db", "lost.db", "other.db", ".", "junk.db/m.db"):
        assert "problem" in levels(findings(run, "--store", name, code=1), "store"), name
    assert levels(findings(run, "--store", "new.db"), "schema") == {"warning"}
    assert folder_of(tmp_path) == before


def test_a_damaged_file(run: Run, tmp_path: Path) -> None:
    run("add", *(f"Note {n} is about parcel {n}." for n in range(60)))
    path = tmp_path / "m.db"
    whole = path.read_bytes()
    path.write_bytes(whole[:40_000] + b"\xa5" * 60_000 + whole[100_000:])
    found = findings(run, code=1)
    assert "damaged" in words(found, "file") if "file" in found else "damaged" in words(found, "store")
    path.write_bytes(whole[:50_000])
    assert "problem" in set().union(*(levels(found, check) for check in found))
    findings(run, code=1)


def test_rights_of_others(run: Run, tmp_path: Path) -> None:
    run("add", "Anna lives in Porto.")
    (tmp_path / "m.db").chmod(0o644)
    found = findings(run, code=1)
    assert levels(found, "permissions") == {"problem"}
    (tmp_path / "m.db").chmod(0o600)
    tmp_path.chmod(0o777)
    assert "warning" in levels(findings(run), "permissions")
    tmp_path.chmod(0o700)


def test_a_schema_that_lacks_something(run: Run, tmp_path: Path) -> None:
    run("add", "Anna lives in Porto.")
    conn = sqlite3.connect(tmp_path / "m.db", isolation_level=None)
    conn.execute("DROP INDEX edge_pair")
    assert "index edge_pair" in words(findings(run, code=1), "indexes")
    version = conn.execute("PRAGMA user_version").fetchone()[0]
    conn.execute(f"PRAGMA user_version = {version - 1}")
    assert levels(findings(run), "schema") == {"warning"}
    conn.execute(f"PRAGMA user_version = {version + 1}")
    assert "newer than this treemem knows" in words(findings(run, code=1), "store")
    conn.close()


@pytest.mark.parametrize(
    ("settings", "check"),
    [
        ("cub = 'x'", "settings"),
        ("[embedder]\nkind = 'openai'", "model"),
        ("[llm]\nprovider = 'openai'", "model"),
        ("store = 'neo4j://127.0.0.1:1'\ntimeout = 3", "store"),
        ('store = "neo4j:/x"', "settings"),
    ],
)
def test_settings_that_cannot_be_used(run: Run, tmp_path: Path, settings: str, check: str, monkeypatch: Any) -> None:
    monkeypatch.delenv("TREEMEM_STORE")
    (tmp_path / "settings.toml").write_text(settings + "\n")
    if check == "model":
        monkeypatch.setenv("TREEMEM_STORE", str(tmp_path / "m.db"))
    assert "problem" in levels(findings(run, "--config", "settings.toml", code=1), check)
    assert not (tmp_path / "m.db").exists()


def test_every_extra_is_looked_for() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    wanted = {
        name: tuple(each.split(">")[0].split("=")[0] for each in packages)
        for name, packages in declared.items()
        if name not in ("test", "dev", "docs", "notebooks", "integrations")
    }
    assert wanted == EXTRAS
