"""The command line from the outside: every command, its JSON, its exit codes, its messages."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import fresh_cube
from treemem.cli import app

COMMANDS = sorted(c.name or c.callback.__name__ for c in app.registered_commands if c.callback)
ROOT = Path(__file__).parents[1]


class Shell:
    """Runs treemem as a user does, on one store and cube."""

    def __init__(self, store: str, cube: str, folder: Path) -> None:
        self.place = {"TREEMEM_STORE": store, "TREEMEM_CUBE": cube}
        self.folder = folder

    def run(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        environment = {n: v for n, v in os.environ.items() if not n.startswith("TREEMEM_")} | self.place
        done = subprocess.run(
            [sys.executable, "-m", "treemem", *arguments],
            capture_output=True,
            text=True,
            input=stdin,
            cwd=self.folder,
            env=environment | {"COLUMNS": "200", "PYTHONPATH": str(ROOT)},
            timeout=120,
        )
        assert done.returncode == code, done.stderr + done.stdout
        assert "Traceback" not in done.stderr
        return done.stdout if code == 0 else done.stdout + done.stderr

    def json(self, *arguments: str, **options: Any) -> Any:
        return json.loads(self.run(*arguments, "--json", **options))


@pytest.fixture
def shell(location: str, tmp_path: Path) -> Shell:
    return Shell(location, fresh_cube("cli"), tmp_path)


def test_every_command_does_its_work(shell: Shell, tmp_path: Path) -> None:
    (home,) = shell.json("add", "Anna lives in Porto.", "--at", "2025-01-01", "--tag", "home")["ids"]
    assert len(shell.json("add", "-", stdin="one line\nanother line\n")["ids"]) == 2
    said = [{"role": "user", "content": "Ben sings.", "chat_time": "2025-02-01"}]
    (tmp_path / "said.jsonl").write_text("\n".join(map(json.dumps, said)))
    shell.run("add", "--messages", "said.jsonl", "--operation-id", "talk")
    shell.run("add", "--messages", "said.jsonl", "--operation-id", "talk")
    assert shell.json("stats")["memories"] == 4
    found = shell.json("search", "Where does Anna live?", "-k", "1", "--filter", '{"tags": {"contains": "home"}}')
    assert [hit["id"] for hit in found["hits"]] == [home]
    assert "Anna lives in Porto." in shell.run("search", "Where does Anna live?", "--as-of", "2025-06-01")
    assert shell.json("get", home)["memory"] == "Anna lives in Porto."
    assert "tags: ['home']" in shell.run("get", home)
    assert shell.json("history", home)[0]["version"] == 1
    assert "2025-01-01 00:00 to open" in shell.run("history", home)
    trail = shell.json("operations")
    assert [o["kind"] for o in trail] == ["add_messages", "add", "add"]
    assert "brings it back" in shell.run("undo", "talk", "--reason", "by mistake")
    assert shell.json("operations", "--limit", "1")[0]["reason"] == "by mistake"
    shell.run("add", "The spare key hangs behind the door.", "the spare key hangs behind the door")
    assert "deduplicate" in shell.run("reorganize", "--dry-run", "--no-capacity", "--expire", "WorkingMemory=30")
    assert shell.json("reorganize", "--status")["state"] == "pending"
    done = json.loads(shell.run("reorganize", "--kind", "deduplicate", "--json"))
    assert [each["status"] for each in done["report"]["outcomes"]] == ["done"]
    assert shell.run("check").strip() == "sound"
    assert "up to date" in shell.run("migrate")
    assert shell.json("reembed")["states"] == 0
    assert shell.json("dump", "saved")["folder"] == "saved"
    rows = shell.json("load", "saved", "--cube", shell.place["TREEMEM_CUBE"] + "-restored")["rows"]
    assert rows > 10
    assert "sound" in shell.run("check", "--cube", shell.place["TREEMEM_CUBE"] + "-restored")


def test_demo_as_json(shell: Shell, tmp_path: Path) -> None:
    answers = shell.json("demo", "--store", str(tmp_path / "demo.db"))["questions"]
    assert len(answers) == 7
    assert answers[-1]["hits"] == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["get", "missing"], 1, "history() shows"),
        (["history", "missing"], 1, "no memory 'missing'"),
        (["undo", "missing"], 1, "operations() lists them"),
        (["add"], 1, "give texts, or --messages"),
        (["add", " "], 1, "nothing but white space"),
        (["add", "--messages", "nowhere.json"], 1, "nowhere.json"),
        (["search", "x", "--filter", "{"], 1, "no JSON"),
        (["search", "x", "--filter", '{"shoe": 1}'], 1, "wanted one of"),
        (["search", "x", "-k", "0"], 1, "top_k: wanted 1 to"),
        (["load", "nowhere"], 1, "dump() writes them"),
        (["dump", "empty"], 1, "nothing to dump"),
        (["reorganize", "--expire", "WorkingMemory"], 1, "TYPE=DAYS"),
        (["stats", "--store", "mysql://x"], 1, "mysql:// is unknown"),
        (["stats", "--config", "none.toml"], 1, "cannot be read"),
        (["nonsense"], 2, "No such command"),
        (["search"], 2, "Missing argument"),
    ],
)
def test_errors_say_the_next_step(tmp_path: Path, arguments: list[str], code: int, said: str) -> None:
    shell = Shell(str(tmp_path / "m.db"), "errors", tmp_path)
    assert said in re.sub(r"\s+", " ", shell.run(*arguments, code=code))


def test_errors_as_json(tmp_path: Path) -> None:
    shell = Shell(str(tmp_path / "m.db"), "errors", tmp_path)
    out = shell.run("get", "missing", "--json", code=1).splitlines()[0]
    assert json.loads(out)["kind"] == "MemoryNotFoundError"


def test_a_config_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text(f'store = "{tmp_path / "other.db"}"\ncube = "fromfile"\n')
    shell = Shell(str(tmp_path / "m.db"), "unused", tmp_path)
    assert shell.json("stats", "--config", "settings.toml")["cube"] == "fromfile"
    assert (tmp_path / "other.db").exists()


def test_completion_and_version(tmp_path: Path) -> None:
    shell = Shell(str(tmp_path / "m.db"), "x", tmp_path)
    assert "treemem" in shell.run("--version")
    assert "--install-completion" in shell.run("--help")
    assert "complete_bash" in shell.run("--show-completion", "bash")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    text = (ROOT / "docs" / "command-line.md").read_text()
    assert f"treemem {command}" in text, "docs/command-line.md"
